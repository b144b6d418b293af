"""The command's options, a file for each panel of its help."""
