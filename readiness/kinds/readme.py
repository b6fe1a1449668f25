"""What the README of a folder says of the files in it: material to study, a demonstration, no production, or samples to change."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

from readiness.kinds.readme_use import is_started_for_development_alone
from readiness.model import Source
from readiness.model.lazy_regex import lazy_regex
from readiness.model.project import parent_folders

README_NAME = lazy_regex(r"(?:\A|/)readme(?:\.(?:md|markdown|rst|adoc|txt))?\Z", re.IGNORECASE)
README_WORD_STUDY, README_WORD_DEMO, README_WORD_TRIAL, README_WORD_CHANGE = (
    "study",
    "demo",
    "trial",
    "change",
)  # the words of Source.readme_says
README_WORD_DEVELOPMENT_STACK, README_WORD_TRIAL_STACK = "development-stack", "trial-stack"  # of all compose files below
README_WORD_SAMPLE_PAGE = "sample-page"  # all is samples: by the front matter (Microsoft), as a list of examples, "This demo" or made to demonstrate
README_WORD_TEST_FOLDER = "test-folder"  # of a folder that a README above calls one of tests
README_WORD_STARTED_TO_DEVELOP = "started-to-develop"  # the compose file beside it is started below headings about development alone
_WORDS_OF_ALL_BELOW = frozenset(
    {README_WORD_STUDY, README_WORD_DEVELOPMENT_STACK, README_WORD_TRIAL_STACK, README_WORD_SAMPLE_PAGE, README_WORD_TEST_FOLDER}
)
_TEST_FOLDER_SENTENCE = lazy_regex(
    r"\b(?:under|in|within|of) the (?P<folder>[\w./-]{1,80}?)/? (?:sub-?)?(?:folder|directory) (?:is|are) (?:only |solely )?"
    r"(?:used |meant |intended )?(?:for|by|to run) (?:the |our |its )?(?:[\w-]{1,30} ){0,3}?(?:tests?|testing)\b"
)
_COLLECTION_OF_EXAMPLES_SENTENCE = lazy_regex(
    r"(?:this|the) (?:repo|repository|project|directory|folder)"
    r" (?:contains|holds|hosts|is home to|includes|provides|is an? (?:[\w-]{1,30} )?collection of)"
    r" (?:(?!(?:and|or|for|to|as|of the)\b)[\w-]{1,30} ){0,5}(?:(?:example|sample) applications?|examples?|samples|demos)\b(?!,| and )"
    r"|(?:this|here) is an? (?:[\w-]{1,30} ){0,2}(?:list|collection|set) of (?:(?!(?:and|or|for|to|as|the)\b)[\w-]{1,30} ){0,3}"
    r"(?:examples|samples|demos|demonstrations)\b(?!,| and )"
)
_THIS_DEMO_SENTENCE = lazy_regex(
    r"this (?:[\w-]{1,30} )?(?:demo|demonstration|example) (?:deploys|showcases|shows|demonstrates|illustrates|provides|sets up|spins up|"
    r"starts|runs|uses|creates|configures)\b"
    r"|this (?:[\w-]{1,30} ){0,3}(?:environment|set-?up|stack|compose file) (?:provides|is) an? (?:sample|example|demo|demonstration)"
    r" (?:configuration|set-?up|deployment|environment)\b"
)
_DEMONSTRATION_SENTENCE = lazy_regex(
    r"(?:(?!(?:my|our|see|how|when|if)\b)[^ ]{1,60} ){1,16}?(?:built|made|written|created|designed|derived|developed|intended|meant)"
    r"(?: (?!(?:and|but|or|my|our)\b)[^ ]{1,60}){0,8}? to demonstrate (?:the|how|an?|some|various|different)\b(?! (?:i|we|my|our)\b)"
)
_MAX_PARAGRAPHS_BEFORE_CONTENTS = 4
_MAX_TEXT_OF_FOLDERS = 40_000  # characters: folders are told of further down
_SAMPLE_PAGE_FRONT_MATTER = lazy_regex(r"\A---[ \t]*\r?\n(?:(?!---)[^\n]{0,300}\n){0,30}?page_type:[ \t]*[\"']?sample\b", re.IGNORECASE)
_MAX_HEAD_CHARACTERS, _MAX_README_CHARACTERS = 900, 8000  # characters: what a folder is for is said first
_MARKUP_THAT_IS_NO_PROSE = lazy_regex(r"```.*?(?:```|\Z)|<!--.*?-->|!?\[[^\]\n]{0,200}\]\([^)\n]{0,400}\)|<[^>\n]{1,300}>", re.DOTALL)
STUDY_FOLDER = lazy_regex(r"cka|ckad|cks|exercises?|katas?|workshops?|study(?:[._-](?:notes|material|guide))?")
_ARTICLE_AND_ADJECTIVES = r"(?:the |an? |my |our )?(?:[\w-]+ ){0,3}"
_STUDY_WORDS = lazy_regex(
    r"\bstudy(?:ing)? (?:material|notes?|guide|plan)"
    r"|\b(?:training|course|workshop|lecture|exam) (?:material|notes?|exercises?)"
    rf"|\b(?:notes|exercises|solutions|material) (?:for|from|of) {_ARTICLE_AND_ADJECTIVES}(?:exam|course|workshop|certification|training)\b"
    rf"|\b(?:exam|certification) preparation\b|\bprepar(?:e|ing|ation) for {_ARTICLE_AND_ADJECTIVES}(?:exam|certification)\b"
    r"|\bexercises? (?:to|for) (?:practi[cs]e|practi[cs]ing|learn|learning)\b"
)
_LEADING_NON_LETTERS = lazy_regex(r"\A[^a-z]+")  # marks, and links back to where somebody came from
_DEMO_WORDS = lazy_regex(r"\bdemo(?:nstration)?s?\b")
_TRIAL_PURPOSES = r"(?:local |manual )?(?:tests?|testing|development|evaluation|demonstration|demo|educational)"
_TRIAL_WORDS = lazy_regex(
    rf"\b(?:only|solely|purely) for {_TRIAL_PURPOSES}\b|\bfor {_TRIAL_PURPOSES}(?: (?:and|or) [a-z]+)?(?: purposes)? only\b"
    r"|\b(?:not|never)(?: be)? (?:(?:considered|meant|intended|suitable|fit|used?|run) )?(?:an? |for |in |as )?production\b"
)
_CHANGE_BEFORE_PRODUCTION_WORDS = lazy_regex(
    r"\b(?:chang(?:e|ing)|replac(?:e|ing)|updat(?:e|ing)|set)\b[^.\n]{0,200}\bbefore\b[^.\n]{0,40}\bproduction\b"
)
_NAMING_WORDS = r"(?:(?!(?:to|see|run|set|setting|create|your|how|no|not)\b)[\w.+/'-]{1,40} ){0,7}"
_DEVELOPMENT_STACK_SENTENCE = lazy_regex(
    rf"{_NAMING_WORDS}development environment (?:using|for|with|in|based on|built (?:on|with)) (?:[\w-]{{1,40}} ){{0,3}}"
    rf"(?:docker|containers?)\b|{_NAMING_WORDS}(?:docker|container)(?:ized|ised|-based| compose)? (?:[\w-]{{1,40}} ){{0,2}}"
    r"development environment\b(?! variable)"
    r"|(?:[^ ]{1,40} ){1,14}(?:spin up|set up|deploys?|creates?|provides?|runs?|starts?) (?:[\w-]{1,40} ){0,3}?(?:in |on |to )?"
    r"(?:an? |your |the )local (?:development )?(?:environment|workstation)\b(?! variable)"
)
_TRIAL_STACK_SENTENCE = lazy_regex(
    r"(?:this|these|the|all) (?:[\w-]{1,40} ){0,3}(?:compose files?|repository|repo|set-?up|stack)(?: [\w-]{1,40}){0,4} (?:is|are)"
    rf"(?: (?:only|solely|purely|mainly|primarily|meant|intended|designed|provided)){{0,2}} for {_TRIAL_PURPOSES}\b"
)
_PARAGRAPH_SEPARATOR = lazy_regex(r"\n(?:[> \t]{0,20}\n)+")
_MARKS_BEFORE_LINE = lazy_regex(r"^[>#*= \t-]{1,40}|\[![a-z]{1,20}\]", re.MULTILINE)
_SENTENCE_END = lazy_regex(r"[.!?:](?:\s|\Z)")
_HEADING_LINE = lazy_regex(r"^#{1,6} [^\n]*$", re.MULTILINE)
_MIN_WORDS_OF_PARAGRAPH, _MAX_READ_PARAGRAPHS = 4, 2


def set_readme_words(sources: Iterable[Source]) -> None:
    """Give every source of a tree the words of the READMEs at and above it: a demonstration is one of its own folder only."""
    all_sources = list(sources)
    readme_words_by_folder: dict[str, frozenset[str]] = {}
    for readme in (one for one in all_sources if README_NAME.search(one.path)):
        readme_folder = posixpath.dirname(readme.path)
        words_by_folder = dict.fromkeys(folders_of_tests_in_readme(readme.text, readme_folder), frozenset({README_WORD_TEST_FOLDER}))
        words_by_folder[readme_folder] = words_by_folder.get(readme_folder, frozenset()) | frozenset(purpose_words_of_readme(readme.text))
        for folder, readme_words in words_by_folder.items():
            if readme_words:
                readme_words_by_folder[folder] = readme_words_by_folder.get(folder, frozenset()) | readme_words
    for source in all_sources if readme_words_by_folder else ():
        source.readme_says = _readme_words_for_path(source.path, readme_words_by_folder)


def folders_of_tests_in_readme(readme_text: str, readme_folder: str) -> Iterator[str]:
    """The folders below that of a README that it says are for tests: "files under the `taf` subfolder are used for the automated tests"."""
    if "folder" in readme_text or "director" in readme_text:
        prose = " ".join(readme_text[:_MAX_TEXT_OF_FOLDERS].replace("`", "").replace("**", "").split())
        for sentence_match in _TEST_FOLDER_SENTENCE.finditer(prose):
            folder = posixpath.normpath(posixpath.join(readme_folder, sentence_match["folder"]))
            if not folder.startswith("..") and folder != posixpath.normpath(readme_folder or "."):
                yield folder


def purpose_words_of_readme(readme_text: str) -> Iterator[str]:
    """What the prose of a README says: of its head that it is for study, a demonstration or trials, of all of it what to change."""
    prose = _MARKUP_THAT_IS_NO_PROSE.sub(" ", readme_text[:_MAX_README_CHARACTERS]).lower().replace("**", "").replace("`", "")
    prose_head = _LEADING_NON_LETTERS.sub("", prose)[:_MAX_HEAD_CHARACTERS]
    sentences_of_head = _sentences_of_first_paragraphs(prose, _MAX_PARAGRAPHS_BEFORE_CONTENTS)  # badges and a greeting may come before
    if _SAMPLE_PAGE_FRONT_MATTER.match(readme_text) or any(map(_COLLECTION_OF_EXAMPLES_SENTENCE.match, sentences_of_head)):
        yield README_WORD_SAMPLE_PAGE
    if _STUDY_WORDS.search(prose_head):
        yield README_WORD_STUDY
    if _DEMO_WORDS.search(prose_head.split("\n\n", 1)[0]):
        yield README_WORD_DEMO
    if _TRIAL_WORDS.search(prose_head):
        yield README_WORD_TRIAL
    if _CHANGE_BEFORE_PRODUCTION_WORDS.search(prose):
        yield README_WORD_CHANGE
    if is_started_for_development_alone(readme_text):
        yield README_WORD_STARTED_TO_DEVELOP
    first_sentences = list(_sentences_of_first_paragraphs(prose))
    first_sentence = next(_sentences_of_first_paragraphs(_HEADING_LINE.sub("", prose)), "")
    if any(map(_DEMONSTRATION_SENTENCE.match, first_sentences)) or _THIS_DEMO_SENTENCE.match(first_sentence):
        yield README_WORD_SAMPLE_PAGE
    if any(map(_DEVELOPMENT_STACK_SENTENCE.match, first_sentences)):
        yield README_WORD_DEVELOPMENT_STACK
    if any(map(_TRIAL_STACK_SENTENCE.match, first_sentences)):
        yield README_WORD_TRIAL_STACK


def _sentences_of_first_paragraphs(prose: str, paragraph_count: int = _MAX_READ_PARAGRAPHS) -> Iterator[str]:
    """The sentences of the first paragraphs of a text that has its own words for a thing, without headings."""
    paragraph_texts = (" ".join(_MARKS_BEFORE_LINE.sub(" ", one).split()) for one in _PARAGRAPH_SEPARATOR.split(prose[:_MAX_README_CHARACTERS]))
    long_paragraphs = [one for one in paragraph_texts if len(one.split()) >= _MIN_WORDS_OF_PARAGRAPH]
    for paragraph in long_paragraphs[:paragraph_count]:
        yield from filter(None, map(str.strip, _SENTENCE_END.split(paragraph)))


def _readme_words_for_path(source_path: str, readme_words_by_folder: Mapping[str, frozenset[str]]) -> frozenset[str]:
    own_folder, *folders_above = parent_folders(source_path)
    own_readme_words = readme_words_by_folder.get(own_folder, frozenset())
    words_of_folders_above = frozenset[str]().union(*(readme_words_by_folder.get(folder, ()) for folder in folders_above))
    return own_readme_words | (words_of_folders_above & _WORDS_OF_ALL_BELOW)
