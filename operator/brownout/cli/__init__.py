"""What a person types, one file per command. It wires nothing; that is bootstrap's."""
