import { Flag, Id, Json, Moment, Nested, Text, Whole } from '../fields.js';
import { ListQuery, NoBody, operation, pageOf, UserView, type Page } from '../operation.js';
import { MANAGERS } from '../principal.js';

/** One thing done, by whom and to whom. */
export class AuditEntry {
  @Id() id: string;
  @Whole({ about: 'Place in the account’s chain.' }) seq: number;
  @Moment() at: string;
  @Text({ about: 'What happened, like `user.updated`.' }) action: string;
  @Nested(() => UserView, { nullable: true }) actor: UserView | null;
  @Text({ nullable: true, about: 'Which part of the system acted, when no person did: `system (departure)`.' }) system:
    string | null;
  @Nested(() => UserView, { nullable: true }) subject: UserView | null;
  @Json({ nullable: true }) detail: Record<string, unknown> | null;
  @Flag({ about: 'The detail was erased together with the person.' }) scrubbed: boolean;
  @Text({ about: 'SHA-256 over the entry and the hash before it.' }) hash: string;
}

export class AuditQuery extends ListQuery {
  @Id({ optional: true }) actorId?: string;
  @Id({ optional: true }) subjectId?: string;
  @Text({ optional: true }) action?: string;
  @Moment({ optional: true }) from?: string;
  @Moment({ optional: true, about: 'Up to, not including.' }) to?: string;
}

export class AuditVerification {
  @Flag() valid: boolean;
  @Whole({ about: 'Entries looked at.' }) entries: number;
  @Whole({ optional: true, about: 'Place of the first entry that does not fit the chain.' }) firstBroken?: number;
}

export const auditList = operation<Page<AuditEntry>, NoBody, AuditQuery>({
  id: 'audit.list',
  service: 'identity',
  method: 'GET',
  path: '/v1/audit',
  summary: 'List what was done, newest first',
  query: AuditQuery,
  answer: pageOf(AuditEntry),
  access: MANAGERS,
});

export const auditVerify = operation<AuditVerification>({
  id: 'audit.verify',
  service: 'identity',
  method: 'GET',
  path: '/v1/audit/verify',
  summary: 'Walk the hash chain of the audit trail',
  answer: AuditVerification,
  access: MANAGERS,
  timeout: 60_000,
});
