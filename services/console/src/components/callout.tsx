import type { ReactNode } from 'react';
import type { IconName } from '../design/icons';
import { Icon } from './icon';

type Kind = 'stop' | 'warn' | 'info' | 'ok';
const ICONS: Readonly<Record<Kind, IconName>> = { stop: 'block', warn: 'alert', info: 'info', ok: 'done' };

interface CalloutProps {
  kind: Kind;
  title?: string;
  children?: ReactNode;
  /** What to do about it. */
  actions?: ReactNode;
  /** Announced when it appears. */
  live?: boolean;
}

/** One refusal (`stop`), risk (`warn`), hint (`info`) or proof (`ok`). */
export function Callout({ kind, title, children, actions, live }: CalloutProps) {
  return (
    <div className={`callout ${kind}`} role={live ? (kind === 'stop' ? 'alert' : 'status') : undefined}>
      <Icon name={ICONS[kind]} />
      <div>
        {title && <strong>{title}</strong>}
        {children && <p>{children}</p>}
      </div>
      {actions && <div className="actions">{actions}</div>}
    </div>
  );
}
