import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import {
  automationActivate,
  automationDeactivate,
  automationExclusions,
  automationOwners,
  automations,
  Problem,
  type AnswerOf,
  type AutomationChanges,
  type Call,
  type CallOf,
  type NewAutomation,
  type NewAutomationTrigger,
} from '#libs/contracts';
import { pageWindow, toPage } from '#libs/database';
import { plainResource } from '#libs/platform';
import { sql } from 'kysely';
import { Automation, AutomationExclusion, AutomationTriggerUser, type AutomationRow } from './automation.entity.js';

type Shown = AnswerOf<typeof automationActivate>;

const base = plainResource(automations, {
  entity: Automation,
  shown: ['name', 'active', 'createdAt'],
  people: ['ownerId'],
  mine: 'ownerId',
});

type NewRow = Partial<AutomationRow> & { userIds: readonly string[] };

@Controller()
export class AutomationController extends base {
  override async prepare({ body, principal }: Call): Promise<NewRow> {
    const { trigger, active = true, ownerId = principal.userId, ...values } = body as NewAutomation;
    const userIds = selectedBy(trigger);
    if (trigger.kind === 'any') await this.lockDirectory(principal.accountId, ownerId);
    const anySince = trigger.kind === 'any' ? this.clock.now() : null;
    return { ...values, ownerId, active, triggerKind: trigger.kind, anySince, userIds };
  }

  override async insert(call: Pick<Call, 'principal'>, { userIds, ...values }: NewRow): Promise<AutomationRow> {
    await this.directory.requireActive(call.principal.accountId, userIds);
    const automation = await super.insert(call, values);
    await this.select(automation, userIds);
    return automation;
  }

  override async present(rows: readonly AutomationRow[], call: Pick<Call, 'principal'>): Promise<object[]> {
    const answers = await super.present(rows, call);
    const ids = rows.map((row) => row.id);
    const selected = await this.em.find(
      AutomationTriggerUser,
      { automationId: { $in: ids } },
      { orderBy: { id: 'asc' } },
    );
    const views = await this.directory.views(selected.map((one) => one.userId));
    const byAutomation = Map.groupBy(selected, (one) => one.automationId);
    return answers.map((answer, index) => {
      const { id, triggerKind } = rows[index]!;
      const userIds = (byAutomation.get(id) ?? []).map((one) => one.userId);
      return { ...answer, trigger: { kind: triggerKind, userIds, users: userIds.map((userId) => views.get(userId)) } };
    });
  }

  override async prepareChange({ accountId }: AutomationRow, { body }: Call<AutomationChanges>): Promise<void> {
    const { ownerId, trigger } = body;
    const userIds = trigger ? selectedBy(trigger) : [];
    if (trigger?.kind === 'any') await this.lockDirectory(accountId, ownerId);
    await this.directory.requireActive(accountId, [ownerId, ...userIds]);
  }

  override async change(automation: AutomationRow, { body }: Call<AutomationChanges>): Promise<void> {
    const { name, ownerId, trigger } = body;
    automation.name = name ?? automation.name;
    automation.ownerId = ownerId ?? automation.ownerId;
    if (!trigger) return;
    this.setTrigger(automation, trigger.kind);
    await this.select(automation, selectedBy(trigger));
  }

  /**
   * Refused while the owner is a user who has left: their departure disabled the automation, and it can be activated
   * again only under another owner.
   */
  @Handles(automationActivate)
  async activate(call: CallOf<typeof automationActivate>): Promise<Shown> {
    const automation = await this.find(call);
    await this.requireMay('activate', automation, call);
    const { id, accountId, ownerId } = automation;
    if (await this.directory.lockAndCheckLeft(accountId, ownerId)) {
      throw new Problem('conflict', {
        detail: 'The owner of this automation has left. Transfer it to another user first.',
        items: [ownerId],
      });
    }
    const activated = await this.em.nativeUpdate(Automation, { id, ownerId }, { active: true });
    if (activated === 0)
      throw new Problem('conflict', {
        detail: 'This automation was transferred by another request. Reload it and try again.',
      });
    return this.shown(automation, call);
  }

  @Handles(automationDeactivate)
  async deactivate(call: CallOf<typeof automationDeactivate>): Promise<Shown> {
    const automation = await this.find(call);
    await this.requireMay('deactivate', automation, call);
    await this.em.nativeUpdate(Automation, { id: automation.id }, { active: false });
    return this.shown(automation, call);
  }

  @Handles(automationOwners)
  async owners({ principal, query }: CallOf<typeof automationOwners>): Promise<AnswerOf<typeof automationOwners>> {
    const { limit, before } = pageWindow(query);
    const { rows } = await sql<{ id: string }>`
      select d.user_id as id from directory d
      where d.account_id = ${principal.accountId} and d.status not in ('deactivated', 'deleted')
        and (${before}::uuid is null or d.user_id < ${before}::uuid)
        and exists (select 1 from automation a where a.owner_id = d.user_id and a.account_id = d.account_id)
      order by d.user_id desc limit ${limit + 1}`.execute(this.em.getKysely());
    const page = toPage(rows, query);
    const views = await this.directory.views(page.items.map(({ id }) => id));
    return { ...page, items: page.items.map(({ id }) => views.get(id)!) };
  }

  @Handles(automationExclusions)
  async exclusions(call: CallOf<typeof automationExclusions>): Promise<AnswerOf<typeof automationExclusions>> {
    const { id: automationId } = await this.find(call);
    const { limit, before } = pageWindow(call.query);
    const where = { automationId, ...(before && { userId: { $lt: before } }) };
    const rows = await this.em.find(AutomationExclusion, where, { orderBy: { userId: 'desc' }, limit: limit + 1 });
    const page = toPage(
      rows.map(({ userId }) => ({ id: userId })),
      call.query,
    );
    const views = await this.directory.views(page.items.map(({ id }) => id));
    return { ...page, items: page.items.map(({ id }) => views.get(id)!) };
  }

  /**
   * An automation for any user applies to all users who have not left, without naming them. Locking their directory
   * rows orders it against departures: a departure either waits and then finds it, or ends before it exists. The new
   * owner is locked in the same order of ids to avoid deadlocks.
   */
  private async lockDirectory(accountId: string, ownerId: string | undefined): Promise<void> {
    await sql`
      select count(*) from (
        select 1 from directory
        where account_id = ${accountId} and (status not in ('deactivated', 'deleted') or user_id = ${ownerId ?? null}::uuid)
        order by user_id for key share
      ) held`.execute(this.em.getKysely());
  }

  private setTrigger(automation: AutomationRow, kind: AutomationRow['triggerKind']): void {
    automation.triggerKind = kind;
    automation.anySince = kind === 'any' ? (automation.anySince ?? this.clock.now()) : null;
  }

  /** Replaces the selected users. A change to selected users also deletes all exclusions. */
  private async select({ id, accountId, triggerKind }: AutomationRow, userIds: readonly string[]): Promise<void> {
    await this.em.nativeDelete(AutomationTriggerUser, { automationId: id });
    if (triggerKind === 'selected') await this.em.nativeDelete(AutomationExclusion, { automationId: id });
    const rows = userIds.map((userId) => ({ id: this.ids.next(), accountId, automationId: id, userId }));
    if (rows.length > 0) await this.em.insertMany(AutomationTriggerUser, rows);
  }

  private async shown(automation: AutomationRow, call: Pick<Call, 'principal'>): Promise<Shown> {
    await this.em.refresh(automation);
    return (await this.present([automation], call))[0] as Shown;
  }
}

/** @throws Problem `validation` unless users are given exactly when the kind is `selected` */
function selectedBy({ kind, userIds = [] }: NewAutomationTrigger): readonly string[] {
  const message = 'userIds must be given for the kind `selected`, and for no other';
  if ((kind === 'selected') === userIds.length > 0) return userIds;
  throw new Problem('validation', { errors: [{ field: 'trigger.userIds', message }] });
}
