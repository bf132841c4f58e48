"""Judge (trusted): sees contract, target and bytes, and says a verdict."""
