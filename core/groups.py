"""Groups of open browsers, by what they are told."""

# News of alarms and orders, of every site: one group, however many sites a person may see. Whoever
# is in it says himself what he may pass on.
NEWS = "news"
