import { defineEntity, p } from '@mikro-orm/postgresql';
import type { Approvals, AutoReply, Preset, ScimInactive } from '#libs/contracts';

export const Account = defineEntity({
  name: 'Account',
  tableName: 'account',
  properties: {
    id: p.uuid().primary(),
    name: p.text(),
    preset: p.text().$type<Preset>(),
    seats: p.integer(),
    retentionDays: p.integer(),
    redactionLabel: p.text().$type<'plain' | 'with-id'>(),
    policyOverrides: p.json().$type<Record<string, unknown>>(),
    policyVersion: p.integer(),
    scimInactive: p.text().$type<ScimInactive>(),
    eraseAfterDays: p.integer().nullable(),
    approvals: p.json().$type<Partial<Approvals>>(),
    autoReply: p.json().$type<AutoReply>().nullable(),
    eraseAnnouncedDaysBefore: p.integer().nullable(),
    createdAt: p.datetime(),
  },
});
