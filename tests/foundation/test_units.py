"""Every unit used in a catalogue, a species or a readout stands in the table or is built from it."""

import bitesim


def test_the_table_explains_the_units_of_outputs():
    table = bitesim.units()
    for model in bitesim.MODELS.values():
        for readout in model.readouts:
            assert readout.unit in table, readout
        for species in model.species.values():
            assert species.unit in table, species
