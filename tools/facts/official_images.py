"""The names of Docker's official images: readiness/facts/official-images.yaml, from the library that they are built from.

The source is the repository https://github.com/docker-library/official-images: a file in `library/` for each image.

    git clone --depth 1 https://github.com/docker-library/official-images
    python -m tools.facts.official_images official-images --read "$(git -C official-images log -1 --format=%cs)"

Images that were official once keep their names on Docker Hub and stand in readiness/facts/images.yaml (`once-official`).
"""

from __future__ import annotations

from tools.facts import writing

SOURCE = "https://github.com/docker-library/official-images/tree/master/library"
TEXT = "Docker's official images: those whose name has no slash on Docker Hub."


def main() -> None:
    """Write the file."""
    given = writing.arguments(__doc__.split("\n", 1)[0], "a checkout of the repository")
    names = sorted(path.name for path in (given.source / "library").iterdir())
    head = writing.header([SOURCE], given.read, 365, "tools/facts/official_images.py", TEXT)
    text = head + "".join(writing.rows({name: {} for name in names}))
    (writing.FOLDER / "official-images.yaml").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
