import { Injectable } from '@nestjs/common';
import { Forgetting, type Db, type DeletedPerson } from '#libs/lifecycle';
import { sql } from 'kysely';
import { createHash } from 'node:crypto';

/** What is left of a slug: enough to know it again when somebody asks for it, and nothing to read. */
export const formerSlug = (slug: string): string => `gone-${createHash('sha256').update(slug).digest('hex')}`;

/** The address and the title of a meeting page say whom one meets. The page goes on telling that it has expired. */
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
