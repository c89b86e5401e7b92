"""What single cells mean: numbers with units, days and times, places, words."""
