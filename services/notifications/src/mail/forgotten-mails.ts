import { Injectable } from '@nestjs/common';
import { Forgetting, type Db, type DeletedPerson } from '#libs/lifecycle';
import { sql } from 'kysely';

/** A deleted user gets no mails, and nothing tells which ones the user got. */
@Injectable()
export class ForgottenMails extends Forgetting {
  override async forget(db: Db, deleted: readonly DeletedPerson[]): Promise<void> {
    await sql`delete from mail where user_id = any(${deleted.map(({ userId }) => userId)}::uuid[])`.execute(db);
  }
}
