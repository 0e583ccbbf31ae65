import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { InboxKind } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';

/** A personal inbox has an owner, a shared one has members. */
export const Inbox = defineEntity({
  name: 'Inbox',
  tableName: 'message_inbox',
  properties: {
    ...tenantRow(),
    kind: p.text().$type<InboxKind>(),
    name: p.text(),
    ownerId: userRef().nullable(),
    /** For a shared inbox: whether every user of the account sees it. False if it was made with members. */
    openToAll: p.boolean().nullable(),
    createdAt: p.datetime(),
  },
});
export type InboxRow = InferEntity<typeof Inbox>;

export const InboxMember = defineEntity({
  name: 'InboxMember',
  tableName: 'inbox_member',
  properties: {
    ...tenantRow(),
    inboxId: p.uuid(),
    userId: userRef(),
  },
});
