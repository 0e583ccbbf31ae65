import { eventually } from '#libs/test-kit';
import type { Api, Json } from './api.js';
import type { Place } from './cast.js';

export interface Line {
  rule: string;
  part?: string;
  transition: string;
  action: string;
  affected: number;
  remaining: number | null;
  transferredTo?: string;
  dueAt?: string;
  heldAt?: string;
  doneAt?: string;
  finishedAt: string | null;
}

export interface Departure extends Json {
  id: string;
  status: string;
  services: { service: string; status: string; rules: Line[] }[];
}

export const linesOf = (departure: Departure): Line[] => departure.services.flatMap((service) => service.rules);

/** Waits until the departure is no longer running. @returns the departure */
export async function over(api: Api, { id }: { id: string }, timeout = 20_000): Promise<Departure> {
  return eventually(
    async () => {
      const departure = await api.get<Departure>(`/v1/departures/${id}`);
      if (departure.status === 'running') throw new Error(`still running: ${JSON.stringify(departure.services)}`);
      return departure;
    },
    { timeout },
  );
}

/** Row counts by transition, rule and part, in the same form for previews and receipts. */
export function counts(
  lines: readonly { rule: string; part?: string; transition: string; count?: number; affected?: number }[],
): Record<string, number> {
  return Object.fromEntries(
    lines
      .map((line) => [
        [line.transition, line.rule, line.part].filter(Boolean).join(' '),
        (line.count ?? line.affected)!,
      ])
      .sort(),
  );
}

/** Reads the live progress to its end. @returns the names of the events, and the data of the last one */
export async function watch(
  system: Place,
  token: string,
  { id }: { id: string },
): Promise<{ names: string[]; last: Json }> {
  const response = await fetch(`${system.url}/v1/departures/${id}/events`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(20_000),
  });
  if (!response.ok) throw new Error(`no progress: ${response.status}`);
  const events = (await response.text())
    .split('\n\n')
    .filter((block) => block.includes('event:'))
    .map((block) => ({
      name: /^event: ?(.*)$/m.exec(block)![1]!,
      data: JSON.parse(/^data: ?(.*)$/m.exec(block)![1]!) as Json,
    }));
  return { names: events.map((event) => event.name), last: events.at(-1)!.data };
}

/** Makes the calls before the deactivation of a user: drafts and previews. @returns the plan token */
export async function draftAndPreview(api: Api, userId: string): Promise<string> {
  const path = `/v1/users/${userId}`;
  const choices = { transition: 'deactivated' };
  await api.put(`${path}/departure-draft`, choices);
  await api.get(`${path}/departure-draft`);
  await api.delete(`${path}/departure-draft`);
  await api.get(`${path}/departure-preview?transition=deactivated`);
  return (await api.post<{ planToken: string }>(`${path}/departure-preview`, choices)).planToken;
}

/** Deactivates a user whose deletion by the policy is announced at once, because it was moved to the next day. */
export async function leaveAnnounced(api: Api, userId: string): Promise<void> {
  await api.put('/v1/policy', { eraseAfterDays: 30 });
  await over(api, await api.post<Departure>(`/v1/users/${userId}/deactivate`));
  await api.put('/v1/policy', { eraseAfterDays: null });
  const scheduled = `/v1/departures?userId=${userId}&transition=deleted&status=scheduled`;
  const [erasure] = (await api.get<{ items: Json[] }>(scheduled)).items;
  const effectiveAt = new Date(Date.now() + 86_400_000).toISOString();
  await api.patch(`/v1/departures/${erasure!.id as string}`, { effectiveAt });
  const notices = `/v1/audit?subjectId=${userId}&action=departure.announced`;
  await eventually(async () => {
    if ((await api.get<{ items: Json[] }>(notices)).items.length === 0) throw new Error('not announced yet');
  });
}

/** Takes a copy of a user's data. @returns the export and its file */
export async function copyOf(api: Api, userId: string): Promise<{ done: Json; file: Buffer }> {
  const { id } = await api.post<{ id: string }>(`/v1/users/${userId}/export`);
  const done = await eventually(async () => {
    const now = await api.get(`/v1/exports/${id}`);
    if (now.status !== 'completed') throw new Error(`the export is ${String(now.status)}`);
    return now;
  });
  return { done, file: await api.download(`/v1/exports/${id}/download`) };
}
