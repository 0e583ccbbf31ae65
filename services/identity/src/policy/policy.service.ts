import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import {
  defaultOf,
  PRESETS,
  Problem,
  type ActionName,
  type Approvals,
  type Catalogue as CatalogueAnswer,
  type CatalogueRule,
  type Mfa,
  type Policy,
  type PolicyChange,
  type Principal,
  type RuleDescription,
  type Transition,
  type TransitionDescription,
} from '#libs/contracts';
import { Clock } from '#libs/database';
import { sql } from 'kysely';
import { lockAccount } from '../common/account-lock.js';
import { Audit } from '../audit/audit.js';
import { Actors } from '../user/actors.js';
import { Catalogue } from '../catalogue/catalogue.js';
import { Proofs } from '../session/proofs.js';
import { ApprovalSettings, approvalsOf } from './approval-settings.js';
import { checkOverrides, inputOf } from './choices.js';
import { noticeDays } from './notice-days.js';

interface StoredPolicy extends Omit<Policy, 'approvals' | 'eraseAnnouncedDaysBefore'> {
  notice: number | null;
  approvals: Partial<Approvals>;
}

/** Reads and changes the policies of accounts, and lists the catalogue. */
@Injectable()
export class PolicyService {
  constructor(
    private readonly em: EntityManager,
    private readonly catalogue: Catalogue,
    private readonly actors: Actors,
    private readonly approvals: ApprovalSettings,
    private readonly proofs: Proofs,
    private readonly audit: Audit,
    private readonly clock: Clock,
  ) {}

  async list(): Promise<CatalogueAnswer> {
    return { items: (await this.catalogue.rules()).map(toCatalogueRule) };
  }

  /** @throws Problem `not-found` */
  async get(accountId: string): Promise<Policy> {
    const { rows } = await sql<StoredPolicy>`
      select preset, policy_overrides as overrides, scim_inactive as "scimInactive", erase_after_days as "eraseAfterDays",
        erase_announced_days_before as notice, auto_reply as "autoReply", approvals, mfa, policy_version as version
      from account where id = ${accountId}`.execute(this.em.getKysely());
    if (!rows[0]) throw new Problem('not-found');
    const { notice, approvals, ...policy } = rows[0];
    const eraseAnnouncedDaysBefore = noticeDays(notice, policy.eraseAfterDays);
    return { ...policy, eraseAnnouncedDaysBefore, approvals: approvalsOf(approvals) };
  }

  /**
   * @throws Problem `unknown-rule`, `invalid-action`, `validation`, `forbidden`, or `conflict` if `version` is not the
   * current one; for other approvals or another `mfa` also `step-up-required`, `no-approver`
   */
  async change(principal: Principal, change: PolicyChange): Promise<Policy> {
    const { accountId, userId } = principal;
    await lockAccount(this.em, accountId);
    await this.actors.requireManager(principal);
    const before = await this.get(accountId);
    if (change.version !== undefined && change.version !== before.version) {
      throw new Problem('conflict', {
        detail: `The policy was changed in the meantime: it is at version ${before.version}.`,
      });
    }
    const preset = change.preset ?? before.preset;
    const overrides = change.overrides ?? before.overrides;
    const scimInactive = change.scimInactive ?? before.scimInactive;
    const eraseAfterDays = change.eraseAfterDays === undefined ? before.eraseAfterDays : change.eraseAfterDays;
    const autoReply = change.autoReply === undefined ? before.autoReply : change.autoReply;
    const approvals = { ...before.approvals, ...change.approvals };
    await this.approvals.check(principal, before.approvals, approvals);
    const mfa = change.mfa ?? before.mfa;
    if (mfa !== before.mfa) await this.changeMfa(principal, mfa);
    if (change.overrides) checkOverrides(await this.catalogue.rules(), overrides);
    await sql`
      update account set preset = ${preset}, policy_overrides = ${JSON.stringify(overrides)}::jsonb,
        scim_inactive = ${scimInactive}, erase_after_days = ${eraseAfterDays}, approvals = ${JSON.stringify(approvals)}::jsonb,
        auto_reply = ${autoReply && JSON.stringify(autoReply)}::jsonb,
        erase_announced_days_before = coalesce(${change.eraseAnnouncedDaysBefore ?? null}, erase_announced_days_before),
        policy_version = policy_version + 1
      where id = ${accountId}`.execute(this.em.getKysely());
    const after = await this.get(accountId);
    checkNotice(after);
    const detail = { from: before, to: after };
    await this.audit.append([{ accountId, action: 'policy.changed', actorId: userId, detail }]);
    return after;
  }

  /**
   * Sessions from before go on for some days, so that nobody is locked out, not even the user who makes the change.
   * @throws Problem `forbidden` unless the caller is an owner; `step-up-required`
   */
  private async changeMfa(principal: Principal, mfa: Mfa): Promise<void> {
    await this.actors.requireOwner(principal);
    await this.proofs.require(principal);
    await sql`
      update account set mfa = ${mfa}, mfa_since = ${this.clock.now()} where id = ${principal.accountId}`.execute(
      this.em.getKysely(),
    );
  }
}

/** @throws Problem `validation` */
function checkNotice({ eraseAfterDays, eraseAnnouncedDaysBefore: days }: Policy): void {
  if (eraseAfterDays === null || days < eraseAfterDays) return;
  const message = `eraseAnnouncedDaysBefore is ${days}, and must be less than eraseAfterDays, which is ${eraseAfterDays}`;
  throw new Problem('validation', { errors: [{ field: 'eraseAnnouncedDaysBefore', message }] });
}

function toCatalogueRule({ id, service, label, fixed, transitions }: RuleDescription): CatalogueRule {
  const described = Object.entries(transitions) as [Transition, TransitionDescription][];
  return {
    id,
    service,
    label,
    transitions: described.map(([transition]) => transition),
    allowed: [...new Set<ActionName>(described.flatMap(([, { allowed }]) => allowed))],
    fixed,
    defaults: Object.fromEntries(
      PRESETS.map((preset) => [
        preset,
        Object.fromEntries(described.map(([transition, one]) => [transition, inputOf(defaultOf(one, preset))])),
      ]),
    ) as CatalogueRule['defaults'],
  };
}
