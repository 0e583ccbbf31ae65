import { Dialog } from '../../components/dialog';
import { app } from '../../texts/app';

const KEYS = [
  ['Ctrl K', app.keys.palette],
  ['/', app.keys.search],
  ['?', app.keys.help],
] as const;

export default function KeysDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={app.keys.title} onClose={onClose}>
      <dl className="kv">
        {KEYS.map(([key, text]) => (
          <div key={key} className="kv-row">
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <footer>
        <button className="btn" type="button" onClick={onClose}>
          {app.keys.close}
        </button>
      </footer>
    </Dialog>
  );
}
