"""What one parcel contributes: its packaging, its transport chain, what was taken back."""
