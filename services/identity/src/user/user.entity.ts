import { defineEntity, p } from '@mikro-orm/postgresql';
import type { Role, UserStatus } from '#libs/contracts';
import { personal, userRef } from '#libs/database';

/** A user of an account. */
export const User = defineEntity({
  name: 'User',
  tableName: 'users',
  properties: {
    id: userRef().primary(),
    accountId: p.uuid(),
    staffId: personal().nullable(),
    name: personal().nullable(),
    email: personal().nullable(),
    /** When the user proved that they receive mail at the address. Code that changes the address sets it to null. */
    emailVerifiedAt: p.datetime().nullable(),
    avatarUrl: personal().nullable(),
    /** SCIM's `userName`; null if it is the email. */
    userName: personal().nullable(),
    /** Id in the identity provider. */
    externalId: personal().nullable(),
    /** The parts of SCIM's `name`, as JSON. */
    scimName: personal().nullable(),
    passwordHash: p.text().nullable(),
    status: p.text().$type<UserStatus>(),
    /** Counts every event of the user. */
    seq: p.bigint('number'),
    /** Counts changes of status. */
    lifecycleVersion: p.bigint('number'),
    /** `lifecycleVersion` when the user last became active. */
    activeSince: p.bigint('number'),
    /** Access tokens with a lower epoch are invalid. */
    sessionEpoch: p.integer(),
    sessionEpochAt: p.datetime().nullable(),
    seatTaken: p.boolean(),
    deactivatedAt: p.datetime().nullable(),
    /** Since when the user is let in nowhere. Null after a departure, which ends a suspension. */
    suspendedAt: p.datetime().nullable(),
    deletedAt: p.datetime().nullable(),
    legalHoldReason: personal().nullable(),
    legalHoldAt: p.datetime().nullable(),
    caretakerId: userRef().nullable(),
    caretakerUntil: p.datetime().nullable(),
    /** Who the user reports to. */
    managerId: userRef().nullable(),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
  },
});

export const UserRole = defineEntity({
  name: 'UserRole',
  tableName: 'user_role',
  properties: { id: p.uuid().primary(), userId: userRef(), role: p.text().$type<Role>() },
});
