-- How old a sign-in may be: for the groups it brought, by lab, and for using a role. Null is the broker's own default.

alter table lab add column groups_max_age_seconds bigint
    check (groups_max_age_seconds between 3600 and 2592000);
alter table lab_role add column sign_in_max_age_seconds bigint
    check (sign_in_max_age_seconds between 300 and 2592000);
