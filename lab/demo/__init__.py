"""The README's story, told on a laboratory: `python -m lab.demo --help`.

cli -> stage (what the story is told on), story (what is done) -> checks (what must then hold)
-> snapshot (what is there); play puts them together, and screen shows it.
"""
