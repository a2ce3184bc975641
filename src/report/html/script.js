'use strict';
/* The page is whole without this: it only filters what is there, and opens what a link leads to. */
(() => {
  const form = document.getElementById('filter');
  const status = document.getElementById('shown');
  const findings = Array.from(document.querySelectorAll('.f'));
  const parts = Array.from(document.querySelectorAll('.findings'));
  const texts = new Map();
  const textOf = (finding) => {
    let text = texts.get(finding);
    if (text === undefined) {
      text = (findings.length > 20000 ? finding.firstElementChild : finding).textContent.toLowerCase();
      texts.set(finding, text);
    }
    return text;
  };

  const wanted = () => {
    const data = new FormData(form);
    const severities = new Set(data.getAll('severity'));
    return {
      severities: severities.size ? severities : null,
      words: data.get('text').toLowerCase().split(/\s+/).filter(Boolean),
      isFixable: data.has('fixable'),
      isExploited: data.has('kev'),
    };
  };
  const matches = (finding, want) =>
    (!want.severities || want.severities.has(finding.dataset.s)) &&
    (!want.isFixable || 'fix' in finding.dataset) &&
    (!want.isExploited || 'kev' in finding.dataset) &&
    want.words.every((word) => textOf(finding).includes(word));

  const apply = () => {
    const want = wanted();
    let shown = 0;
    for (const finding of findings) {
      finding.hidden = !matches(finding, want);
      shown += finding.hidden ? 0 : 1;
    }
    for (const part of parts) {
      const n = Array.prototype.filter.call(part.children, (f) => !f.hidden).length;
      part.hidden = n === 0;
      part.style.containIntrinsicBlockSize = `auto ${n * 2.3}rem`;
    }
    const isFiltered = shown !== findings.length;
    status.textContent = isFiltered ? `${shown} of ${findings.length} findings shown by the filter` : `${shown} findings shown`;
    status.hidden = false;
  };

  let timer = 0;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(apply, 120);
  };
  if (form) {
    form.hidden = false;
    form.addEventListener('submit', (event) => event.preventDefault());
    form.addEventListener('input', later);
    form.addEventListener('reset', () => setTimeout(apply));
    document.getElementById('open').addEventListener('click', () => {
      const shown = findings.filter((finding) => !finding.hidden);
      const isOpen = shown.some((finding) => !finding.open);
      for (const finding of shown) finding.open = isOpen;
    });
    document.addEventListener('keydown', (event) => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input')) return;
      event.preventDefault();
      form.elements.text.focus();
    });
    apply();
  }

  const reveal = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (!target || !target.matches('details')) return;
    if (target.hidden) form.reset();
    for (let node = target; node; node = node.parentElement) if (node.matches('details')) node.open = true;
    setTimeout(() => target.scrollIntoView());
  };
  addEventListener('hashchange', reveal);
  reveal();

  /* For browsers without ::details-content. */
  let opened = [];
  addEventListener('beforeprint', () => {
    opened = Array.from(document.querySelectorAll('details:not([open])'));
    for (const details of opened) details.open = true;
  });
  addEventListener('afterprint', () => {
    for (const details of opened) details.open = false;
    opened = [];
  });
})();
