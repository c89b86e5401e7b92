"""The exact batch engine on Faust and the partition store behind its changelog; knows nothing of parcels."""
