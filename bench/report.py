"""The table of results: which figures there are, and how they are written."""

FIGURES = [
    # key, title, unit, decimals
    ("message_1", "Message, 1 in flight", "µs CPU", 1),
    ("message_4", "Message, 4 in flight", "µs CPU", 1),
    ("message_tls_1", "Message, TLS, 1 in flight", "µs CPU", 1),
    ("message_tls_4", "Message, TLS, 4 in flight", "µs CPU", 1),
    ("idle", "Idle session", "bytes", 0),
    ("idle_tls", "Idle session, TLS", "bytes", 0),
    ("login_cpu", "Login (STARTTLS, SASL, bind)", "ms CPU", 2),
    ("login_rate", "Logins", "per second", 0),
    ("handshake_cpu", "TLS handshake alone", "ms CPU", 2),
    ("fanout_cpu", "Presence to 200 contacts, each", "µs CPU", 1),
    ("fanout_rate", "Presence deliveries", "per CPU second", 0),
    ("roster_cpu", "Roster of 1,000 items", "ms CPU", 2),
]


def rows(results):
    """The table as lists of cells, the heading first. `results` maps servers to figures."""
    table = [["", "unit", *results]]
    for key, title, unit, decimals in FIGURES:
        cells = [
            f"{figures[key]:,.{decimals}f}" if key in figures else "-"
            for figures in results.values()
        ]
        if set(cells) != {"-"}:
            table.append([title, unit, *cells])
    return table


def one_line(figures):
    return ", ".join(
        f"{title} {figures[key]:,.{decimals}f} {unit}"
        for key, title, unit, decimals in FIGURES
        if key in figures
    )


def markdown(results):
    table = rows(results)
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    lines = []
    for row in table:
        cells = [row[0].ljust(widths[0]), row[1].ljust(widths[1])]
        cells += [cell.rjust(width) for cell, width in zip(row[2:], widths[2:])]
        lines.append("| " + " | ".join(cells) + " |")
    rule = ["-" * widths[0], "-" * widths[1]] + ["-" * (width - 1) + ":" for width in widths[2:]]
    lines.insert(1, "| " + " | ".join(rule) + " |")
    return "\n".join(lines) + "\n"


BEGIN = "<!-- written by bench/run: begin -->\n"
END = "<!-- written by bench/run: end -->\n"


def update_document(path, text):
    """Replaces what stands between the two markers of the document."""
    document = path.read_text()
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest or END not in rest:
        raise RuntimeError(f"{path} lacks the markers for the table")
    path.write_text(before + BEGIN + text + END + after)
