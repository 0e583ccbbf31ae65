import { Injectable } from '@nestjs/common';
import { Forgetting, type Db, type DeletedPerson } from '#libs/lifecycle';
import { sql } from 'kysely';
import { createHash } from 'node:crypto';

/** Replaces a slug by its hash, so that the old address is still recognised but cannot be read. */
export const formerSlug = (slug: string): string => `gone-${createHash('sha256').update(slug).digest('hex')}`;

/**
 * Removes the name from the slug and the title of a deleted user's meeting pages. The old address keeps answering that
 * it has expired.
 */
@Injectable()
export class FormerMeetingPages extends Forgetting {
  override async forget(db: Db, deleted: readonly DeletedPerson[]): Promise<void> {
    await sql`
      update scheduler_link set title = 'Meeting', slug = 'gone-' || encode(sha256(convert_to(slug, 'UTF8')), 'hex')
      where owner_id = any(${deleted.map(({ userId }) => userId)}::uuid[]) and slug !~ '^gone-[0-9a-f]{64}$'`.execute(
      db,
    );
  }
}
