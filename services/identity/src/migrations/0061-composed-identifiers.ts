import { migration } from '#libs/database';

const COLUMNS = ['name', 'email', 'staff_id', 'user_name'];

/** Names, addresses and staff ids are stored composed (NFC). A row stays as it is if another one has the same identifier. */
export const composedIdentifiers = migration(
  '0061-composed-identifiers',
  `do $$
  declare person record;
  begin
    for person in select id from users where ${COLUMNS.map((column) => `${column} is not nfc normalized`).join(' or ')} loop
      begin
        update users set ${COLUMNS.map((column) => `${column} = normalize(${column}, nfc)`).join(', ')} where id = person.id;
      exception when unique_violation then null;
      end;
    end loop;
  end $$`,
);
