import type { Explain } from '#libs/lifecycle';
import { sql } from 'kysely';

/** Maximum number of folders in the message. */
const MAX_FOLDERS = 20;

interface Folder {
  kind: string;
  host: string;
  path: string;
  username: string;
}

/** Names the folders and the logins that open them: the leaver entered the passwords and may still know them. */
export async function foldersOfLeaver(about: Explain): Promise<string> {
  const { db, accountId, userId, action, transition, count } = about;
  const onlyActive = action === 'disable' && transition !== 'transferred';
  const { rows } = await sql<Folder>`
    select kind, host, path, username from import_source
    where account_id = ${accountId} and owner_id = ${userId} ${onlyActive ? sql`and active` : sql``}
    order by id limit ${MAX_FOLDERS}`.execute(db);
  const named = rows.map(
    ({ kind, host, path, username }) => `“${path}” on ${kind}://${host}, opened by the password of “${username}”`,
  );
  const rest = count - rows.length;
  const folders = named.join('; ') + (rest > 0 ? `; and ${rest} more` : '');
  return `${outcomeOf(about)}: ${folders}. The leaver may know the passwords: change them on the servers and in the import sources.`;
}

function outcomeOf({ action, transition }: Explain): string {
  if (transition === 'transferred') return 'These folders will no longer be imported, and their passwords are erased';
  return action === 'disable'
    ? 'These folders will no longer be imported'
    : 'These folders will be imported for the new owner, with the same passwords';
}
