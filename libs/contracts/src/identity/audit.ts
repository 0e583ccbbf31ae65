import { Flag, Id, Json, Moment, Nested, OneOf, Text, Whole } from '../fields.js';
import { ListQuery, NoBody, operation, pageOf, UserView, type Page } from '../operation.js';
import { GATEWAY } from '../callers.js';
import type { Ask } from '../lifecycle.js';
import { MANAGERS } from '../principal.js';

/** One entry of the audit trail: what happened, who did it and to whom. */
export class AuditEntry {
  @Id() id: string;
  @Whole({ about: 'Position in the account’s hash chain.' }) seq: number;
  @Moment() at: string;
  @Text({ about: 'What happened, like `user.updated`.' }) action: string;
  @Nested(() => UserView, { nullable: true }) actor: UserView | null;
  @Text({ nullable: true, about: 'The part of the system that acted if no user did, like `system (departure)`.' })
  system: string | null;
  @Id({ nullable: true, about: 'The SCIM token with which the identity provider acted.' }) tokenId: string | null;
  @Nested(() => UserView, { nullable: true }) subject: UserView | null;
  @Json({ nullable: true }) detail: Record<string, unknown> | null;
  @Flag({ about: 'Whether the detail was erased when the person was deleted.' }) scrubbed: boolean;
  @Text({ about: 'SHA-256 of the entry and the hash of the previous entry.' }) hash: string;
}

export class AuditQuery extends ListQuery {
  @Id({ optional: true }) actorId?: string;
  @Id({ optional: true }) subjectId?: string;
  @Text({ optional: true }) action?: string;
  @Moment({ optional: true }) from?: string;
  @Moment({ optional: true, about: 'Only entries before this time.' }) to?: string;
}

export type AuditFilter = Pick<AuditQuery, 'actorId' | 'subjectId' | 'action' | 'from' | 'to'>;

/** The media types of exports, by format. */
export const AUDIT_EXPORT_TYPES = { csv: 'text/csv', ndjson: 'application/x-ndjson' } as const;
export type AuditExportFormat = keyof typeof AUDIT_EXPORT_TYPES;

export class AuditExportQuery implements AuditFilter {
  @OneOf(Object.keys(AUDIT_EXPORT_TYPES), {
    optional: true,
    about: 'Default: `csv`. With `ndjson`, each line is an entry as the list shows it, in JSON.',
  })
  format?: AuditExportFormat;
  @Id({ optional: true }) actorId?: string;
  @Id({ optional: true }) subjectId?: string;
  @Text({ optional: true }) action?: string;
  @Moment({ optional: true }) from?: string;
  @Moment({ optional: true, about: 'Only entries before this time.' }) to?: string;
}

/** Why a chain is invalid. */
export const AUDIT_FAULTS = ['entry', 'published-head', 'shorter-than-published', 'published-head-not-signed'] as const;

/** The heads of the chain that were signed and published outside of the database. */
export class PublishedHeads {
  @Whole({ about: 'Number of heads that the chain was compared with.' }) heads: number;
  @Whole({ about: 'Position of the newest one. Later entries are covered by the hash chain only.' }) seq: number;
  @Moment({ about: 'When the newest one was published.' }) at: string;
}

export class AuditVerification {
  @Flag() valid: boolean;
  @Whole({ about: 'Entries that were checked.' }) entries: number;
  @Whole({
    optional: true,
    about: 'Position of the first entry that breaks the chain, or that is no longer confirmed.',
  })
  firstBroken?: number;
  @OneOf(AUDIT_FAULTS, {
    optional: true,
    about:
      'Why the chain is invalid: an entry does not match its hash (`entry`); the entries have been replaced since a head was ' +
      'published (`published-head`) or are missing (`shorter-than-published`); a published head has no valid signature ' +
      '(`published-head-not-signed`).',
  })
  reason?: (typeof AUDIT_FAULTS)[number];
  @Nested(() => PublishedHeads, { optional: true, about: 'Absent before the first head is published.' })
  published?: PublishedHeads;
}

export const auditList = operation<Page<AuditEntry>, NoBody, AuditQuery>({
  id: 'audit.list',
  service: 'identity',
  method: 'GET',
  path: '/v1/audit',
  summary: 'List the audit trail, newest first',
  query: AuditQuery,
  answer: pageOf(AuditEntry),
  access: MANAGERS,
});

/** The gateway builds the file from `auditLines`. */
export const auditExport = operation<undefined, NoBody, AuditExportQuery>({
  id: 'audit.export',
  service: 'identity',
  method: 'GET',
  path: '/v1/audit/export',
  summary: 'Export the audit trail as CSV or as lines of JSON, newest first',
  query: AuditExportQuery,
  access: MANAGERS,
  status: 200,
  custom: true,
  produces: Object.values(AUDIT_EXPORT_TYPES),
});

/** The next lines of an export with their line breaks. The heading of a CSV file comes with the first ones. */
export const auditLines: Ask<
  { accountId: string; format: AuditExportFormat; filter: AuditFilter; after: string | null },
  { lines: string; next: string | null }
> = { service: 'identity', subject: 'rpc.identity.audit.lines', timeout: 30_000, calledBy: [GATEWAY] };

export const auditVerify = operation<AuditVerification>({
  id: 'audit.verify',
  service: 'identity',
  method: 'GET',
  path: '/v1/audit/verify',
  summary: 'Verify the hash chain of the audit trail, also against its published heads',
  answer: AuditVerification,
  access: MANAGERS,
  timeout: 60_000,
});

/** A user has read data of another user, or has exported data of the account. */
export interface DataAccess {
  action: 'personal-inbox.read' | 'message-activity.exported' | 'audit.exported';
  accountId: string;
  actorId: string;
  /** Whose data; absent for an export. */
  subjectId?: string;
}

/** The trail gets one entry an hour for the same action, reader and subject. */
export const recordAccess: Ask<{ accesses: DataAccess[] }, Record<string, never>> = {
  service: 'identity',
  subject: 'rpc.identity.audit.record-access',
  timeout: 5_000,
  calledBy: [GATEWAY, 'messaging'],
};
