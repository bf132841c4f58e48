"""How the parts of the judge say no."""

from __future__ import annotations


class Refused(Exception):
    """The binary is not accepted. Carries one line for each reason, in the user's terms."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
