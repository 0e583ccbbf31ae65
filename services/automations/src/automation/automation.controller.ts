import { LockMode } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import {
  automationActivate,
  automationDeactivate,
  automationOwners,
  automations,
  automationUpdate,
  Problem,
  type AnswerOf,
  type Call,
  type CallOf,
  type NewAutomation,
  type NewAutomationTrigger,
} from '#libs/contracts';
import { pageWindow, toPage } from '#libs/database';
import { plainResource } from '#libs/platform';
import { sql } from 'kysely';
import { Automation, AutomationTriggerUser, type AutomationRow } from './automation.entity.js';

type Shown = AnswerOf<typeof automationUpdate>;

const base = plainResource(automations, {
  entity: Automation,
  shown: ['name', 'active', 'createdAt'],
  people: ['ownerId'],
  mine: 'ownerId',
});

@Controller()
export class AutomationController extends base {
  override async prepare({ body }: Call): Promise<Record<string, unknown>> {
    const { trigger, active = true, ...values } = body as NewAutomation;
    return { ...values, active, triggerKind: trigger.kind, userIds: selectedBy(trigger) };
  }

  override async insert(
    call: Pick<Call, 'principal'>,
    { userIds, ...values }: Record<string, unknown>,
  ): Promise<AutomationRow> {
    const selected = userIds as string[];
    await this.directory.requireActive(call.principal.accountId, selected);
    const automation = await super.insert(call, values);
    await this.select(automation, selected);
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

  @Handles(automationUpdate)
  async update(call: CallOf<typeof automationUpdate>): Promise<Shown> {
    const automation = await this.find(call);
    const { name, ownerId, trigger } = call.body;
    const userIds = trigger && selectedBy(trigger);
    await this.directory.requireActive(automation.accountId, [ownerId, ...(userIds ?? [])]);
    await this.em.refresh(automation, { lockMode: LockMode.PESSIMISTIC_WRITE });
    automation.name = name ?? automation.name;
    automation.ownerId = ownerId ?? automation.ownerId;
    automation.triggerKind = trigger?.kind ?? automation.triggerKind;
    await this.em.flush();
    if (userIds) {
      await this.em.nativeDelete(AutomationTriggerUser, { automationId: automation.id });
      await this.select(automation, userIds);
    }
    return (await this.present([automation], call))[0] as Shown;
  }

  /** Not for an owner who has left: the departure has disabled it, and it may come back only under somebody else. */
  @Handles(automationActivate)
  async activate(call: CallOf<typeof automationActivate>): Promise<Shown> {
    const automation = await this.find(call);
    const { id, accountId, ownerId } = automation;
    if (await this.directory.hasLeft(accountId, ownerId)) {
      throw new Problem('conflict', {
        detail: 'The owner of this automation has left. Transfer it to somebody else first.',
        items: [ownerId],
      });
    }
    const activated = await this.em.nativeUpdate(Automation, { id, ownerId }, { active: true });
    if (activated === 0) throw new Problem('conflict', { detail: 'Somebody has just transferred it. Read it again.' });
    return this.shown(automation, call);
  }

  @Handles(automationDeactivate)
  async deactivate(call: CallOf<typeof automationDeactivate>): Promise<Shown> {
    const automation = await this.find(call);
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

  private async select({ id, accountId }: AutomationRow, userIds: readonly string[]): Promise<void> {
    const rows = userIds.map((userId) => ({ id: this.ids.next(), accountId, automationId: id, userId }));
    if (rows.length > 0) await this.em.insertMany(AutomationTriggerUser, rows);
  }

  private async shown(automation: AutomationRow, call: Pick<Call, 'principal'>): Promise<Shown> {
    await this.em.refresh(automation);
    return (await this.present([automation], call))[0] as Shown;
  }
}

/** @throws Problem `validation` when the kind and the users do not go together */
function selectedBy({ kind, userIds = [] }: NewAutomationTrigger): readonly string[] {
  const message = 'Name users for the kind `selected`, and for no other';
  if ((kind === 'selected') === userIds.length > 0) return userIds;
  throw new Problem('validation', { errors: [{ field: 'trigger.userIds', message }] });
}
