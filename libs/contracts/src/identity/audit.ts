import { Flag, Id, Json, Moment, Nested, Text, Whole } from '../fields.js';
import { ListQuery, NoBody, operation, pageOf, UserView, type Page } from '../operation.js';
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

export class AuditVerification {
  @Flag() valid: boolean;
  @Whole({ about: 'Entries that were checked.' }) entries: number;
  @Whole({ optional: true, about: 'Position of the first entry that breaks the chain.' }) firstBroken?: number;
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

export const auditVerify = operation<AuditVerification>({
  id: 'audit.verify',
  service: 'identity',
  method: 'GET',
  path: '/v1/audit/verify',
  summary: 'Verify the hash chain of the audit trail',
  answer: AuditVerification,
  access: MANAGERS,
  timeout: 60_000,
});
