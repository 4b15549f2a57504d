"""Honest programs that use files, output, patches, random numbers, threads, arrays."""

from __future__ import annotations

from .honest import honest

CASES = [
    honest("patches", """
        from unittest import mock
        def test_input(monkeypatch, capsys):
            answers = iter(['a', 'b'])
            monkeypatch.setattr('builtins.input', lambda prompt='': next(answers))
            work.dialogue()
            assert capsys.readouterr().out == 'a b\\n'
        def test_time(monkeypatch):
            monkeypatch.setattr('time.time', lambda: 1000.0)
            assert work.age(400) == 600
        def test_environment(monkeypatch):
            monkeypatch.setenv('MODE', 'dark')
            assert work.mode() == 'dark'
            monkeypatch.delenv('MODE')
            assert work.mode() == 'light'
        def test_folder(monkeypatch, tmp_path):
            monkeypatch.chdir(tmp_path)
            work.touch('here')
            assert (tmp_path / 'here').exists()
        def test_module():
            with mock.patch('work.fetch', return_value=5) as fetch:
                assert work.doubled() == 10
            fetch.assert_called_once_with('x')
        def test_constant(monkeypatch):
            monkeypatch.setattr(work, 'RATE', 3)
            assert work.rated(2) == 6
    """, """
        import os, time
        RATE = 2
        def dialogue(): print(input(), input('?'))
        def age(since): return time.time() - since
        def mode(): return os.environ.get('MODE', 'light')
        def touch(name): open(name, 'w').close()
        def fetch(name): raise OSError
        def doubled(): return 2 * fetch('x')
        def rated(n): return n * RATE
    """, 6),
    honest("output, logs and warnings", """
        def test_output(capsys):
            work.say('é')
            out, err = capsys.readouterr()
            assert (out, err) == ('é\\n', 'oops')
        def test_log(caplog):
            with caplog.at_level('INFO'): work.log('x')
            assert [r.levelname for r in caplog.records] == ['INFO', 'ERROR'] and 'got x' in caplog.text
        def test_warning():
            with pytest.warns(UserWarning, match='careful'): assert work.warn() == 1
    """, """
        import logging, sys, warnings
        def say(text):
            print(text)
            sys.stderr.write('oops')
        def log(what):
            logging.getLogger('work').info('got %s', what)
            logging.getLogger('work').error('bad')
        def warn():
            warnings.warn('be careful')
            return 1
    """, 3),
    honest("files both ways", """
        import json
        from pathlib import Path
        def test_write(tmp_path):
            path = work.write(tmp_path, {'a': 1})
            assert path == tmp_path / 'out.json' and json.loads(path.read_text()) == {'a': 1}
        def test_read(tmp_path):
            (tmp_path / 'in.txt').write_bytes(b'a\\r\\nb')
            assert work.lines(str(tmp_path / 'in.txt')) == ['a', 'b']
        def test_data(): assert work.lines(Path(__file__).parent / 'data.txt') == ['x', 'y']
        def test_relative(): assert work.lines('data.txt') == ['x', 'y']
        def test_handle(tmp_path):
            (tmp_path / 'z').write_text('abc')
            with open(tmp_path / 'z') as file: assert file.read() == work.content(tmp_path / 'z')
    """, """
        import json
        def write(folder, value):
            (folder / 'out.json').write_text(json.dumps(value))
            return folder / 'out.json'
        def lines(path):
            with open(path) as file: return file.read().split()
        def content(path): return path.read_text()
    """, 5, {"data.txt": "x\ny\n"}),
    honest("seeds", """
        import random
        def test_same():
            random.seed(1)
            first = work.draw()
            random.seed(1)
            assert work.draw() == first
        def test_as_here():
            random.seed(5)
            there = work.draw()
            random.seed(5)
            assert [random.randint(1, 99) for _ in range(5)] == there
        def test_own(): assert work.seeded(3) == work.seeded(3) != work.seeded(4)
    """, """
        import random
        def draw(): return [random.randint(1, 99) for _ in range(5)]
        def seeded(seed): return random.Random(seed).random()
    """, 3),
    honest("arrays", """
        import numpy as np
        def test_array():
            assert np.array_equal(work.scale(np.arange(3), 2), [0, 2, 4])
            np.testing.assert_allclose(work.scale(np.ones(2), 0.5), [0.5, 0.5])
        def test_scalar(): assert work.mean(np.array([1.0, 2.0])) == pytest.approx(1.5)
        def test_shape(): assert work.grid(2, 3).shape == (2, 3) and work.grid(2, 3).dtype == np.int64
        def test_in_place():
            a = np.zeros(3)
            work.fill(a)
            assert a.tolist() == [1, 1, 1]
    """, """
        import numpy as np
        def scale(a, factor): return a * factor
        def mean(a): return a.mean()
        def grid(rows, columns): return np.zeros((rows, columns), dtype=np.int64)
        def fill(a): a[:] = 1
    """, 4),
    honest("threads and programs", """
        def test_threads(): assert sorted(work.squares(range(5))) == [0, 1, 4, 9, 16]
        def test_program(): assert work.program('print(6 * 7)') == '42\\n'
        def test_fork(): assert work.forked() == 7
    """, """
        import os, subprocess, sys
        from concurrent.futures import ThreadPoolExecutor
        def squares(numbers):
            with ThreadPoolExecutor(3) as pool: return list(pool.map(lambda n: n * n, numbers))
        def program(text): return subprocess.run([sys.executable, '-c', text], capture_output=True, text=True).stdout
        def forked():
            pid = os.fork()
            if pid == 0: os._exit(7)
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    """, 3),
]  # fmt: skip
