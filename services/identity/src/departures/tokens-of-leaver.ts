import type { Explain } from '#libs/lifecycle';
import { sql } from 'kysely';

/** Names the SCIM tokens that the leaver created, and says what becomes of provisioning. */
export async function tokensOfLeaver({ db, accountId, userId, action }: Explain): Promise<string> {
  const { rows } = await sql<{ name: string }>`
    select name from scim_token where account_id = ${accountId} and created_by = ${userId} order by id`.execute(db);
  const names = rows.map(({ name }) => `“${name}”`).join(', ');
  return action === 'revoke'
    ? `Attention: these SCIM tokens are revoked, and provisioning with them stops: ${names}. First create another token and give it to the identity provider.`
    : `Attention: the leaver may know these SCIM tokens, which stay valid: ${names}. An owner should replace them.`;
}
