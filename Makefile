.PHONY: demo test check bench
demo test check bench:
	python3 dev.py $@
