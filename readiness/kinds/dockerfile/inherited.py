"""Values of instructions in force, and what a stage hands on of them to the stages that build on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from readiness.model import Span
from readiness.model.records import dataclass
from readiness.syntax.instruction import Instruction

if TYPE_CHECKING:
    from readiness.kinds.dockerfile.model import Stage


@dataclass(frozen=True, slots=True, eq=False)
class EffectiveValue:
    """What an instruction in force says, where, and in which stage."""

    text: str
    span: Span
    instruction: Instruction
    stage: Stage


def inherited_value(stage: Stage | None, keyword: str) -> EffectiveValue | None:
    """What a stage hands on to those that build on it."""
    while stage is not None:
        keyword_instructions = stage.instructions_of(keyword)
        if keyword_instructions:
            return effective_value_of(stage, keyword_instructions[-1])
        if keyword == "CMD" and stage.instructions_of("ENTRYPOINT"):
            return None
        if keyword in stage.inherited_values:
            return stage.inherited_values[keyword]
        stage = stage.base_stage
    return None


def effective_value_of(stage: Stage, instruction: Instruction) -> EffectiveValue:
    """What an instruction of a stage puts in force."""
    return EffectiveValue(instruction.unquoted_arguments, instruction.arguments_span, instruction, stage)
