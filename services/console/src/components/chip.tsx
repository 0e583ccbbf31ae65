import type { ReactNode } from 'react';
import type { IconName } from '../design/icons';
import { Icon } from './icon';

/** `danger` only for what is destroyed; a refusal or failure is `stop`. */
export type Tone = 'ok' | 'warn' | 'stop' | 'run' | 'danger' | 'plain';

export function Chip({ icon, tone, children }: { icon: IconName; tone?: Tone; children: ReactNode }) {
  return (
    <span className={tone ? `chip ${tone}` : 'chip'}>
      <Icon name={icon} />
      {children}
    </span>
  );
}
