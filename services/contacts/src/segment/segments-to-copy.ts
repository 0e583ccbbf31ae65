import { displayName, type DirectoryRow } from '#libs/database';
import type { Explain } from '#libs/lifecycle';
import { sql } from 'kysely';

/** Maximum number of segments, and of users of each, in the message. */
const MAX_SEGMENTS = 20;
const MAX_USERS = 10;

type User = Pick<DirectoryRow, 'user_id' | 'name' | 'status' | 'redaction_label'>;

interface SegmentInUse {
  name: string;
  users: User[];
  more_users: string;
}

/** Lists the segments that would be deleted, the most used first, and their other users, who can copy them before. */
export async function segmentsToCopy({ db, accountId, userId, action, count }: Explain): Promise<string | undefined> {
  if (action !== 'delete') return undefined;
  const { rows } = await sql<SegmentInUse>`
    select s.name, coalesce(u.users, '[]') as users, coalesce(u.total, 0) - coalesce(jsonb_array_length(u.users), 0) as more_users
    from segment s cross join lateral (
      select jsonb_agg(jsonb_build_object('user_id', d.user_id, 'name', d.name, 'status', d.status,
        'redaction_label', d.redaction_label) order by d.name, d.user_id) filter (where place <= ${MAX_USERS}) as users, count(*) as total
      from (select user_id, row_number() over (order by used_at desc, user_id) as place from segment_use
        where segment_id = s.id and user_id <> s.owner_id and user_id in (select user_id from directory where status in ('active', 'invited'))) used
      join directory d using (user_id)) u
    where s.account_id = ${accountId} and s.owner_id = ${userId}
    order by u.total desc, s.id limit ${MAX_SEGMENTS}`.execute(db);
  const rest = count - rows.length;
  const named = rows.map(describeSegment).join('; ') + (rest > 0 ? `; and ${rest} more` : '');
  return `These segments will be deleted for everyone: ${named}. Users who still need one should copy it first.`;
}

function describeSegment({ name, users, more_users }: SegmentInUse): string {
  if (users.length === 0) return `“${name}”`;
  const more = Number(more_users) > 0 ? ` and ${more_users} more` : '';
  return `“${name}” (used by ${users.map(displayName).join(', ')}${more})`;
}
