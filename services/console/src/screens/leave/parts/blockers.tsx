import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { Callout } from '../../../components/callout';
import { leave as texts } from '../../../texts/leave';
import type { Choices, Preview } from '../plan/choices';
import type { Step } from '../search';
import type { Choosing } from '../plan/choosing';

const { blockers, blocked } = texts.choose;

interface BlockersProps {
  preview: Preview;
  choosing: Choosing;
  onChoose: (change: (before: Choices) => Choices) => void;
  goTo: (step: Step) => void;
}

/** What prevents the departure, each with the way out. */
export function Blockers({ preview, choosing, onChoose, goTo }: BlockersProps) {
  const deactivate = () => onChoose((before) => ({ ...before, transition: 'deactivated' }));
  const wayOut = (code: Preview['blockers'][number]['code']): ReactNode => {
    switch (code) {
      case 'sole-owner':
        return (
          <Link className="btn" to="/people" search={{ role: 'owner' }}>
            {blockers.owners}
          </Link>
        );
      case 'numbers-assigned':
        return (
          <>
            <Way onClick={() => onRules(preview, choosing, 'transfer')}>{blockers.transferNumbers}</Way>
            {mayRelease(preview) && (
              <Way onClick={() => choosing.act('telephony.numbers', { action: 'release-after', days: 7 })}>
                {blockers.releaseNumbers}
              </Way>
            )}
          </>
        );
      case 'retention':
        return (
          <>
            <Way onClick={() => goTo('what')}>{blockers.decideLater}</Way>
            <Way onClick={deactivate}>{blockers.deactivateInstead}</Way>
          </>
        );
      case 'not-deactivated':
      case 'legal-hold':
        return (
          choosing.choices.transition === 'deleted' && <Way onClick={deactivate}>{blockers.deactivateInstead}</Way>
        );
      default:
        return undefined;
    }
  };
  return preview.blockers.map(({ code, detail }) => (
    <Callout key={code} kind="stop" title={blocked} actions={wayOut(code)} live>
      {code === 'sole-owner' ? blockers['sole-owner'] : detail}
    </Callout>
  ));
}

function Way({ onClick, children }: { onClick: () => void; children: string }) {
  return (
    <button className="btn" type="button" onClick={onClick}>
      {children}
    </button>
  );
}

const blocking = ({ rules }: Preview) => rules.filter(({ action, count }) => action === 'block' && count > 0);

function onRules(preview: Preview, choosing: Choosing, action: 'transfer'): void {
  for (const { rule, allowed } of blocking(preview)) if (allowed.includes(action)) choosing.act(rule, action);
}

const mayRelease = (preview: Preview): boolean =>
  blocking(preview).some(({ rule, allowed }) => rule === 'telephony.numbers' && allowed.includes('release-after'));
