"""Words for programs that explain themselves to people."""

from enum import StrEnum
from typing import Self


class Tone(StrEnum):
    """What kind of news a word is."""

    GOOD = "good"
    """It is as it should be."""
    IN_PROGRESS = "in progress"
    """It will pass: Kapsa works on it or waits."""
    CHOSEN = "as chosen"
    """It follows from what somebody asked for."""
    BAD = "bad"
    """Something is wrong."""


class Said(StrEnum):
    """A CamelCase word, with what it means.

    Attributes:
        explanation: What it means, in a sentence.
        tone: What kind of news it is; bad unless it says otherwise.
    """

    explanation: str
    tone: Tone

    def __new__(cls, value: str, explanation: str, tone: Tone = Tone.BAD) -> Self:
        """Make a member that is its own word, and keep the rest beside it."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.explanation = explanation
        member.tone = tone
        return member
