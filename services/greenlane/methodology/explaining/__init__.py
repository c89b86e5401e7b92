"""Why a parcel and a seller scored as they did, what declaring would change, and what would raise a score."""
