import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Outbox } from '#libs/outbox';
import { traceparent } from '#libs/observability';
import {
  dataSchema,
  userSubject,
  type DepartureFacts,
  type Profile,
  type UserEvent,
  type UserEventType,
} from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import { isoOf, isoOrNull } from '../common/moments.js';
import { Catalogue } from '../catalogue/catalogue.js';
import { UserRows, type UserRow } from './user-rows.js';

/** Writes user events to the outbox, in the transaction that changes the users. */
@Injectable()
export class UserEvents {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly catalogue: Catalogue,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * Publishes changed profiles. Call it once per transaction and user, after the changes.
   * @param type `user.created` for users created in this transaction
   */
  async publishChanged(
    userIds: readonly string[],
    type: 'user.created' | 'user.updated' = 'user.updated',
  ): Promise<void> {
    if (userIds.length === 0) return;
    // SCIM shows a user who was never changed as last modified when created (RFC 7643, 3.1).
    const updatedAt = type === 'user.created' ? sql`u.created_at` : sql`${this.clock.now()}`;
    await sql`
      update users u set seq = seq + 1, updated_at = ${updatedAt}
      from (select id from users where id = any(${userIds}::uuid[]) order by id for no key update) locked
      where u.id = locked.id`.execute(this.em.getKysely());
    const targets = await this.catalogue.otherServices();
    const rows = await this.users.byIds(userIds);
    await this.outbox.append(rows.map((row) => ({ event: this.userEvent(row, type), targets })));
  }

  /** Builds the event for the row's current `seq`, which the change has already incremented. */
  userEvent(row: UserRow, type: UserEventType, departure?: DepartureFacts): UserEvent {
    const trace = traceparent();
    return {
      specversion: '1.0',
      id: this.ids.next(),
      source: 'urn:leaver:identity',
      type,
      subject: userSubject(type, row.account_id, row.id),
      time: this.clock.now().toISOString(),
      datacontenttype: 'application/json',
      dataschema: dataSchema('UserEventData'),
      ...(trace && { traceparent: trace }),
      data: {
        accountId: row.account_id,
        userId: row.id,
        seq: row.seq,
        lifecycleVersion: row.lifecycle_version,
        profile: profileOf(row),
        ...(departure && { departure }),
      },
    };
  }
}

/** The profile that other services store. It has no personal data of deleted users. */
export function profileOf(row: UserRow): Profile {
  const gone = row.status === 'deleted';
  return {
    name: gone ? null : row.name,
    staffId: gone ? null : row.staff_id,
    status: row.status,
    isManager: row.roles.some((role) => role === 'owner' || role === 'admin'),
    teamIds: row.team_ids,
    createdAt: isoOf(row.created_at),
    redactionLabel: row.redaction_label,
    legalHold: row.legal_hold,
    caretakerId: gone ? null : row.caretaker_id,
    caretakerUntil: gone ? null : isoOrNull(row.caretaker_until),
    suspendedAt: isoOrNull(row.suspended_at),
  };
}
