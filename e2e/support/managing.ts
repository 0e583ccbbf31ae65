import type { Api } from './api.js';
import { over } from './departures.js';

/** What a manager does to a user who stays. */
export async function manageUser(owner: Api, id: string): Promise<void> {
  await owner.put(`/v1/users/${id}/legal-hold`, { reason: 'A lawsuit' });
  await owner.delete(`/v1/users/${id}/legal-hold`);
  await owner.post(`/v1/users/${id}/suspend`);
  await owner.post(`/v1/users/${id}/resume`);
  await owner.delete(`/v1/users/${id}/sessions`);
}

/** Requests that another manager approves or refuses, as departures and as lists. Afterwards nothing needs an approval. */
export async function decideAboutRequests(owner: Api, other: Api): Promise<void> {
  await owner.put('/v1/policy', { approvals: { deleted: true, bulkAbove: 1 } });
  const users = await Promise.all(
    ['Uma', 'Ute', 'Udo'].map(async (name) => {
      const email = `${name.toLowerCase()}@requested.example`;
      return (await owner.post('/v1/users', { name, email, staffId: `R ${name}`, roles: ['agent'] })).id as string;
    }),
  );
  const [uma, ute] = users;
  const [refused, approved] = [
    await owner.post(`/v1/users/${uma}/delete`),
    await owner.post(`/v1/users/${ute}/delete`),
  ];
  await other.post(`/v1/departures/${refused.id}/refuse`, { reason: 'Still needed' });
  await other.post(`/v1/departures/${approved.id}/approve`);
  const list = { transition: 'deactivated', users: [users[0], users[2]].map((userId) => ({ userId })) };
  const [one, two] = [await owner.post('/v1/departures/bulk', list), await owner.post('/v1/departures/bulk', list)];
  await other.post(`/v1/departures/bulk/${one.id}/refuse`, { reason: 'Wrong list' });
  await other.get(`/v1/departures/bulk/${two.id}`);
  await other.post(`/v1/departures/bulk/${two.id}/approve`);
  await owner.put('/v1/policy', { approvals: { deleted: false, bulkAbove: null } });
}

/** A team that a user joins and leaves. */
export async function manageTeam(owner: Api, memberId: string): Promise<void> {
  const team = await owner.post('/v1/teams', { name: 'Night shift' });
  await owner.patch(`/v1/teams/${team.id}`, { name: 'Late shift' });
  await owner.put(`/v1/teams/${team.id}/members/${memberId}`);
  await owner.delete(`/v1/teams/${team.id}/members/${memberId}`);
}

/** Counts what the user could hand over, and hands it over. */
export async function handOver(owner: Api, id: string, to: string): Promise<void> {
  const request = { rules: ['insights.shared-dashboards'], to };
  await owner.post(`/v1/users/${id}/reassign`, { ...request, dryRun: true });
  await over(owner, await owner.post<{ id: string }>(`/v1/users/${id}/reassign`, request));
}
