import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { foldCase, isUuid, type SuccessorChoice, type TeamWay } from '#libs/contracts';
import { sql } from 'kysely';

/** No user and no team has this id, so a successor with it is refused. */
const NOBODY = '00000000-0000-0000-0000-000000000000';
const MANAGER = 'manager';
const TEAM = /^team: *(.+?)(?::(round-robin|fewest-open))?$/i;

/**
 * Successors as a file names them: by staff id; `manager` for the manager of the leaver; `team:` with the name or the id of a
 * team, and at the end `:fewest-open` or `:round-robin`, the default.
 */
@Injectable()
export class SuccessorWords {
  constructor(private readonly em: EntityManager) {}

  /**
   * By word.
   * @param users by staff id. A staff id that looks like another word is a staff id.
   */
  async choices(
    accountId: string,
    words: readonly string[],
    users: ReadonlyMap<string, string>,
  ): Promise<Map<string, SuccessorChoice>> {
    const teams = await this.teams(
      accountId,
      words.flatMap((word) => TEAM.exec(word)?.[1] ?? []),
    );
    return new Map(
      words.map((word): [string, SuccessorChoice] => {
        const userId = users.get(word);
        if (userId !== undefined) return [word, userId];
        if (foldCase(word) === MANAGER) return [word, { manager: true }];
        const [, team, way] = TEAM.exec(word) ?? [];
        if (team === undefined) return [word, NOBODY];
        const by = (way === undefined ? 'round-robin' : foldCase(way)) as TeamWay;
        return [word, { teamId: teams.get(foldCase(team)) ?? NOBODY, by }];
      }),
    );
  }

  /** The ids of teams by folded name, and by id. */
  private async teams(accountId: string, words: readonly string[]): Promise<Map<string, string>> {
    if (words.length === 0) return new Map();
    const named = words.map((word) => foldCase(word));
    const ids = named.filter(isUuid);
    const { rows } = await sql<{ id: string; name: string }>`
      select id, name from team
      where account_id = ${accountId} and (id = any(${ids}::uuid[]) or fold_case(name) = any(${named}::text[]))`.execute(
      this.em.getKysely(),
    );
    return new Map(rows.flatMap(({ id, name }) => [[id, id] as const, [foldCase(name), id] as const]));
  }
}
