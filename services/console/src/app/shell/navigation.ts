import type { LinkProps } from '@tanstack/react-router';
import type { IconName } from '../../design/icons';
import { app } from '../../texts/app';

export interface Destination {
  to: NonNullable<LinkProps['to']>;
  icon: IconName;
  text: string;
  /** Only for owners and admins. */
  forManagers?: boolean;
}

/** The pages of the navigation and the palette, in this order. */
export const DESTINATIONS: readonly Destination[] = [{ to: '/people', icon: 'people', text: app.nav.people }];
