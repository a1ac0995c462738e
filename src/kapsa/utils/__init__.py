"""Pure leaves that everything else may use."""
