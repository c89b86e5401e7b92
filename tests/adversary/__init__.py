"""What a lie or a silence buys: every act of an adversary on honest accounts. `make method-adversary`."""
