import { Handles } from '#libs/broker';
import {
  cutText,
  segments,
  segmentsCopy,
  segmentsUse,
  type Call,
  type Segment as SegmentAnswer,
  type SegmentCopy,
  type UserView,
} from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { Controller } from '@nestjs/common';
import { sql } from 'kysely';
import { Segment, type SegmentRow } from './segment.entity.js';

const base = plainResource(segments, {
  entity: Segment,
  shown: ['name', 'definition', 'createdAt'],
  people: ['ownerId'],
  mine: 'ownerId',
});

const COPY = ' (copy)';
const MAX_NAME_LENGTH = 200;
const MAX_USERS = 100;

@Controller()
export class SegmentController extends base {
  /** A copy also counts as a use of the original, because its creator depends on the definition. */
  @Handles(segmentsCopy)
  async copy(call: Call<SegmentCopy>): Promise<SegmentAnswer> {
    const original = await this.find(call);
    await this.recordUse(original, call);
    const name = call.body.name ?? cutText(original.name, MAX_NAME_LENGTH - COPY.length) + COPY;
    const copy = await this.insert(call, { name, definition: original.definition });
    return this.show(copy, call);
  }

  @Handles(segmentsUse)
  async use(call: Call): Promise<SegmentAnswer> {
    const segment = await this.find(call);
    await this.recordUse(segment, call);
    return this.show(segment, call);
  }

  override async present(rows: readonly SegmentRow[], call: Pick<Call, 'principal'>): Promise<object[]> {
    const answers = await super.present(rows, call);
    const users = await this.usersOf(rows);
    return answers.map((answer, index) => ({ ...answer, usedBy: users.get(rows[index]!.id) ?? [] }));
  }

  private async show(row: SegmentRow, call: Pick<Call, 'principal'>): Promise<SegmentAnswer> {
    return (await this.present([row], call))[0] as SegmentAnswer;
  }

  private async recordUse({ id }: SegmentRow, { principal }: Pick<Call, 'principal'>): Promise<void> {
    await this.directory.requireActive(principal.accountId, [principal.userId]);
    await sql`
      insert into segment_use (segment_id, user_id, used_at) values (${id}, ${principal.userId}, ${this.clock.now()})
      on conflict (segment_id, user_id) do update set used_at = excluded.used_at`.execute(this.em.getKysely());
  }

  /** Returns the users of each segment except its owner, by segment id: the most recent `MAX_USERS`. */
  private async usersOf(rows: readonly SegmentRow[]): Promise<Map<string, UserView[]>> {
    const ids = rows.map(({ id }) => id);
    const { rows: uses } = await sql<{ segment_id: string; user_id: string }>`
      select u.segment_id, u.user_id from segment s cross join lateral (
        select * from segment_use where segment_id = s.id and user_id <> s.owner_id order by used_at desc limit ${MAX_USERS}) u
      where s.id = any(${ids}::uuid[])`.execute(this.em.getKysely());
    const views = await this.directory.views(uses.map((use) => use.user_id));
    const byName = (a: UserView, b: UserView) => a.name.localeCompare(b.name) || a.id.localeCompare(b.id);
    return new Map(
      [...Map.groupBy(uses, (use) => use.segment_id)].map(([id, its]) => [
        id,
        its.map((use) => views.get(use.user_id)!).sort(byName),
      ]),
    );
  }
}
