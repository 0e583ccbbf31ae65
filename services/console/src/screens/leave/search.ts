import { getRouteApi } from '@tanstack/react-router';

export const STEPS = ['what', 'choose', 'confirm'] as const;
export type Step = (typeof STEPS)[number];

/** The step stands in the address, so that going back goes back a step. */
export interface LeaveSearch {
  step?: Step;
}

export const leaveRoute = getRouteApi('/shell/people/$userId/leave');
