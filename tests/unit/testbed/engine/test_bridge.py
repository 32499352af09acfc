"""Which of the rules that netavark keeps in one nft table for all networks belong to ours."""

from koji_adjutant.testbed.engine.bridge import Bridge, nft_rules

OURS = Bridge(name="adje6f67db5", subnet="10.253.181.0/24")
LISTING = """table inet netavark { # handle 1
	chain INPUT { # handle 1
		type filter hook input priority filter; policy accept;
		ip saddr 10.253.181.0/24 meta l4proto { tcp, udp } th dport 53 accept # handle 23
		ip saddr 10.253.18.0/24 meta l4proto { tcp, udp } th dport 53 accept # handle 30
	}

	chain FORWARD { # handle 2
		type filter hook forward priority filter; policy accept;
		ct state invalid drop # handle 15
		jump NETAVARK-ISOLATION-1 # handle 16
		ip daddr 10.253.181.0/24 ct state established,related accept # handle 24
		ip saddr 10.253.181.0/24 accept # handle 25
	}

	chain POSTROUTING { # handle 3
		type nat hook postrouting priority srcnat; policy accept;
		meta mark & 0x00002000 == 0x00002000 masquerade # handle 11
		ip saddr 10.253.181.0/24 jump nv_7060bb9f_10_253_181_0_nm24 # handle 26
		ip saddr 10.253.18.0/24 jump nv_0123abcd_10_253_18_0_nm24 # handle 31
	}

	chain NETAVARK-ISOLATION-3 { # handle 10
		oifname "adje6f67db5" drop # handle 17
		oifname "adj01234567" drop # handle 32
		jump NETAVARK-ISOLATION-2 # handle 18
	}

	chain nv_7060bb9f_10_253_181_0_nm24 { # handle 19
		ip daddr 10.253.181.0/24 accept # handle 20
		ip daddr != 224.0.0.0/4 masquerade # handle 21
	}

	chain nv_0123abcd_10_253_18_0_nm24 { # handle 33
		ip daddr != 224.0.0.0/4 masquerade # handle 34
	}
}
"""


def test_all_that_is_ours_and_nothing_else() -> None:
    rules, chains = nft_rules(LISTING, OURS)
    assert chains == ["nv_7060bb9f_10_253_181_0_nm24"]
    assert rules == [
        ("INPUT", "23"),
        ("FORWARD", "24"),
        ("FORWARD", "25"),
        ("POSTROUTING", "26"),
        ("NETAVARK-ISOLATION-3", "17"),
        ("nv_7060bb9f_10_253_181_0_nm24", "20"),
        ("nv_7060bb9f_10_253_181_0_nm24", "21"),
    ]


def test_a_table_without_us() -> None:
    assert nft_rules(LISTING, Bridge(name="adjffffffff", subnet="10.200.0.0/24")) == ([], [])
