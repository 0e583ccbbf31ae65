import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import {
  KIND_OF_PREFERENCE,
  type NotificationChoices,
  type NotificationPreferences as Preferences,
  type Principal,
} from '#libs/contracts';
import { sql } from 'kysely';

type Choice = keyof Preferences;
const CHOICES = Object.keys(KIND_OF_PREFERENCE) as Choice[];

/** The mails that users have turned off. Only mails about departures can be. */
@Injectable()
export class NotificationPreferences {
  constructor(private readonly em: EntityManager) {}

  async get({ userId }: Principal): Promise<Preferences> {
    const { rows } = await sql<{ muted: string[] }>`
      select muted_mails as muted from users where id = ${userId}`.execute(this.em.getKysely());
    const muted = rows[0]?.muted ?? [];
    const entries = CHOICES.map((choice) => [choice, !muted.includes(KIND_OF_PREFERENCE[choice])] as const);
    // It has an entry for each field, which the type of `fromEntries` does not say.
    return Object.fromEntries(entries) as Record<Choice, boolean>;
  }

  async set(principal: Principal, choices: NotificationChoices): Promise<Preferences> {
    const muted = CHOICES.filter((choice) => choices[choice] === false).map((choice) => KIND_OF_PREFERENCE[choice]);
    await sql`update users set muted_mails = ${muted}::text[] where id = ${principal.userId}`.execute(
      this.em.getKysely(),
    );
    return this.get(principal);
  }
}
