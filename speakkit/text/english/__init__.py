"""How English is read: a module for each kind of thing that is no plain word, each a table of rules."""
