"""What of this host a checkout gets, subject by subject; `koji_adjutant.policy.scm_access` puts it together."""
