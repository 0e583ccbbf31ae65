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
