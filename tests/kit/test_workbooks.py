"""Workbooks: round trips, row errors, and files made to hurt."""

import io
import struct
import zipfile
from datetime import date
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wenming_api.kit.workbooks import (
    Column,
    Limits,
    Table,
    WorkbookEncrypted,
    WorkbookHeaderMismatch,
    WorkbookProblem,
    WorkbookTooLarge,
    boolean,
    calendar_date,
    decimal,
    integer,
    join_list,
    neutralise,
    read_table,
    read_workbook,
    restore,
    text_list,
    write_csv,
    write_errors,
    write_table,
    write_template,
)

PLACES = Table(
    "点位",
    (
        Column("code", "编码", required=True, max_length=20),
        Column("name", "名称", required=True, max_length=50),
        Column("count", "数量", integer(0, 100)),
        Column("score", "分值", decimal(0, 1000, places=4)),
        Column("open", "启用", boolean, choices=("是", "否")),
        Column("since", "日期", calendar_date),
        Column("tags", "标签", text_list, show=join_list),
    ),
)
NAMES = Table("名称", (Column("name", "名称", required=True, max_length=32_767),))

texts = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), min_size=1, max_size=40
).filter(lambda t: t == t.strip())
triggers = st.sampled_from(["=", "+", "-", "@", "'=", "''@", "＝", "_x0041_", "'"])
injections = st.builds(str.__add__, triggers, texts)


@given(st.text(max_size=30) | injections)
def test_neutralising_is_undone_exactly(value: str) -> None:
    written = neutralise(value)
    assert restore(written) == value
    assert not written.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@settings(max_examples=30, deadline=None)
@given(st.lists(texts | injections, min_size=1, max_size=20))
def test_texts_survive_xlsx_and_csv(values: list[str]) -> None:
    rows = [{"name": value} for value in values]
    for data in (write_table(NAMES, rows), b"".join(write_csv(NAMES, rows))):
        result = read_table(data, NAMES)
        assert result.errors == []
        assert [row["name"] for row in result.rows] == values


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "code": texts.filter(lambda t: len(t) <= 20),
                "name": texts,
                "count": st.none() | st.integers(0, 100),
                "score": st.none() | st.decimals(0, 1000, places=4),
                "open": st.none() | st.booleans(),
                "since": st.none() | st.dates(date(1905, 1, 1), date(2100, 1, 1)),
                "tags": st.none() | st.lists(st.sampled_from(["甲", "乙", "丙"]), min_size=1).map(tuple),
            }
        ),
        min_size=1,
        max_size=10,
    )
)
def test_typed_rows_survive_a_round_trip(rows: list[dict[str, object]]) -> None:
    for data in (write_table(PLACES, rows), b"".join(write_csv(PLACES, rows))):
        assert [dict(row.values) for row in read_table(data, PLACES).rows] == rows


def test_errors_name_row_and_column_and_come_back_as_a_workbook() -> None:
    data = b"".join(
        [
            "编码,名称,数量,分值,启用,日期\n".encode(),
            "A1,一,5,1.5,是,2026-03-05\n".encode(),
            "A2,,abc,-1,也许,2026-02-30\n".encode(),
            "A3,三,1.5,1.23456,否,2026年3月5日\n".encode(),
        ]
    )
    result = read_table(data, PLACES)
    assert [row["code"] for row in result.rows] == ["A1"]
    assert {(e.row, e.header, e.message) for e in result.errors} == {
        (3, "名称", "不能为空"),
        (3, "数量", "应为数字"),
        (3, "分值", "不得小于 0"),
        (3, "启用", "应填“是”或“否”"),
        (3, "日期", "日期不存在"),
        (4, "数量", "应为整数"),
        (4, "分值", "小数不得超过 4 位"),
    }
    result.reject(2, "编码重复", "code")
    assert not list(result.good_rows())
    book = openpyxl.load_workbook(io.BytesIO(write_errors([result])))
    sheet = book["点位"]
    assert sheet["G1"].value == "错误"
    assert sheet["G2"].value == "编码：编码重复"
    assert sheet["A2"].fill.fgColor.rgb == "FFFFC7CE"
    assert "名称：不能为空" in str(sheet["G3"].value)
    assert sheet["B3"].fill.fgColor.rgb == "FFFFC7CE"
    assert sheet["A3"].value == "A2"
    assert sheet["A3"].fill.fgColor.rgb != "FFFFC7CE"


def test_a_corrected_error_workbook_is_imported_again() -> None:
    result = read_table("编码,名称\nA1,=1+1\n,二\n".encode(), PLACES)
    again = read_table(write_errors([result]), PLACES)
    assert [row["name"] for row in again.rows] == ["=1+1"]
    assert len(again.errors) == 1


@pytest.mark.parametrize("rows", ["", "\n,\n\n"])
def test_a_file_without_rows_is_refused(rows: str) -> None:
    with pytest.raises(WorkbookProblem, match="表中没有数据行"):
        read_table(f"编码,名称{rows}".encode(), PLACES)
    with pytest.raises(WorkbookProblem, match="表中没有数据行"):
        read_table(write_table(PLACES, []), PLACES)


def test_the_template_reads_as_an_empty_table() -> None:
    template = write_template([PLACES, NAMES])
    read = read_workbook(template, [PLACES, NAMES])
    assert read["点位"].rows == []
    assert read["名称"].errors == []


def test_numbers_in_text_columns_read_as_typed() -> None:
    book = openpyxl.Workbook()
    book.active.append(["编码", "名称", "分值"])
    book.active.append([370302000000, 12.5, 0.1])
    row = read_table(_saved(book), PLACES).rows[0]
    assert (row["code"], row["name"], row["score"]) == ("370302000000", "12.5", Decimal("0.1"))


def test_formulas_are_refused_cell_by_cell() -> None:
    book = openpyxl.Workbook()
    book.active.append(["编码", "名称"])
    book.active.append(["A1", '=HYPERLINK("http://example.org","x")'])
    errors = read_table(_saved(book), PLACES).errors
    assert [(e.row, e.header) for e in errors] == [(2, "名称")]
    assert "公式" in errors[0].message


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("编码", "缺少列：名称"),
        ("编码,名称,别的", "多出列：别的"),
        ("编码,名称,编码", "重复列：编码"),
        ("", "缺少列"),
    ],
)
def test_headers_must_match(header: str, said: str) -> None:
    with pytest.raises(WorkbookHeaderMismatch, match=said):
        read_table(f"{header}\nA1,一\n".encode(), PLACES)


def test_a_missing_sheet_is_named() -> None:
    with pytest.raises(WorkbookHeaderMismatch, match="缺少工作表：名称"):
        read_workbook(write_table(PLACES, []), [PLACES, NAMES])


def test_csv_in_gb18030_reads() -> None:
    assert read_table("编码,名称\nA1,张店区\n".encode("gb18030"), PLACES).rows[0]["name"] == "张店区"


@pytest.mark.parametrize("hostile", ["a\x01b", "a\x7fb", "\x1bfoo"])
def test_control_characters_are_row_errors(hostile: str) -> None:
    result = read_table(f"编码,名称\nA1,{hostile}\n".encode(), PLACES)
    assert [e.message for e in result.errors] == ["含有不允许的控制字符"]


@pytest.mark.parametrize("escaped", ["_x0000_", "_xD800_", "a&#xB;b"])
def test_escaped_control_characters_in_xlsx_never_pass(escaped: str) -> None:
    data = _sheet(
        f'<row r="1"><c r="A1" t="inlineStr"><is><t>名称</t></is></c></row>'
        f'<row r="2"><c r="A2" t="inlineStr"><is><t>{escaped}</t></is></c></row>'
    )
    try:
        result = read_table(data, NAMES)
    except WorkbookProblem:
        return
    for row in result.rows:
        row["name"].encode()
        assert all(ord(character) >= 32 for character in row["name"])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 not really",
        b"\x00\x01\x02",
        b"\xff\xfe\x00\x00\x80\x80",
        b"%PDF-1.7\n\x00\xff\xff",
        b"\x89PNG\r\n\x1a\n\x00\x00",
    ],
)
def test_what_is_no_workbook_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(WorkbookProblem):
        read_table(data, PLACES)


def test_a_zip_without_sheets_is_refused() -> None:
    with pytest.raises(WorkbookProblem, match="不是 XLSX"):
        read_table(_zip({"a.txt": b"hello"}), PLACES)


def test_every_truncation_and_bit_flip_reads_or_is_refused() -> None:
    data = write_table(PLACES, [{"code": "A1", "name": "一"}])
    broken = [data[:size] for size in range(0, len(data), 97)]
    broken += [data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :] for at in range(0, len(data), 41)]
    for candidate in broken:
        try:
            read_table(candidate, PLACES)
        except WorkbookProblem:
            continue


def test_encrypted_and_old_files_are_named() -> None:
    with pytest.raises(WorkbookEncrypted, match="xls"):
        read_table(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), PLACES)
    data = bytearray(write_table(PLACES, []))
    data[6] |= 1
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1
    with pytest.raises(WorkbookEncrypted):
        read_table(bytes(data), PLACES)


def test_a_zip_bomb_stops_at_the_limit() -> None:
    bomb = _zip({"xl/workbook.xml": b"<a/>", "xl/worksheets/sheet1.xml": bytes(64 * 1024 * 1024)})
    assert len(bomb) < 100_000
    with pytest.raises(WorkbookTooLarge, match="压缩炸弹"):
        read_table(bomb, PLACES, Limits(uncompressed_bytes=8 * 1024 * 1024))


def test_a_zip_that_lies_about_its_sizes_is_never_inflated_by_the_reader() -> None:
    """The declared size is 40 bytes; a reader that trusts the stream instead would get 64 MB."""
    honest = _sheet('<row r="1"><c r="A1"/></row>' + " " * 64 * 1024 * 1024)
    with zipfile.ZipFile(io.BytesIO(honest)) as archive:
        entry = archive.getinfo("xl/worksheets/sheet1.xml")
    lying = honest.replace(struct.pack("<L", entry.file_size), struct.pack("<L", 40))
    with pytest.raises(WorkbookProblem):
        read_table(lying, PLACES, Limits(uncompressed_bytes=8 * 1024 * 1024))


@pytest.mark.parametrize("cell", ["XFD1048576", "A1048576", "XFD1", "AAAAAAA1", "A999999999"])
def test_one_cell_at_the_far_corner_does_not_allocate_the_grid(cell: str) -> None:
    with pytest.raises(WorkbookTooLarge):
        read_table(_sheet(f'<row r="1"><c r="{cell}"><v>1</v></c></row>'), PLACES)


def test_a_million_columns_are_refused() -> None:
    with pytest.raises(WorkbookTooLarge, match="列数"):
        read_table(("编码," * 1_000_000).encode(), PLACES)
    with pytest.raises(WorkbookTooLarge, match="列数"):
        read_table(_sheet('<row r="1">' + "<c><v>1</v></c>" * 1_000_000 + "</row>"), PLACES)


def test_rows_beyond_the_limit_are_refused() -> None:
    rows = [{"name": "一"}] * 11
    for data in (write_table(NAMES, rows), b"".join(write_csv(NAMES, rows))):
        with pytest.raises(WorkbookTooLarge, match="行数"):
            read_table(data, NAMES, Limits(rows=10))
        assert len(read_table(data, NAMES, Limits(rows=11)).rows) == 11


def test_long_cells_and_files_are_refused() -> None:
    result = read_table(f"编码,名称\nA1,{'长' * 51}\n".encode(), PLACES)
    assert [e.message for e in result.errors] == ["不得超过 50 个字符"]
    with pytest.raises(WorkbookTooLarge, match="MB"):
        read_table(b"x" * 2_000_000, PLACES, Limits(file_bytes=1_048_576))
    with pytest.raises(WorkbookProblem):
        read_table(f"编码,名称\nA1,{'长' * 200_000}\n".encode(), PLACES)


def test_document_types_are_refused() -> None:
    laughs = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><worksheet>&b;</worksheet>'
    with pytest.raises(WorkbookProblem, match="文档类型"):
        read_table(_zip({"xl/worksheets/sheet1.xml": laughs}), PLACES)


def test_doubled_members_are_refused() -> None:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        archive.writestr("xl/workbook.xml", b"<a/>")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("xl/workbook.xml", b"<b/>")
    with pytest.raises(WorkbookProblem, match="重复"):
        read_table(output.getvalue(), PLACES)


def _saved(book: openpyxl.Workbook) -> bytes:
    output = io.BytesIO()
    book.save(output)
    return output.getvalue()


def _zip(members: dict[str, bytes]) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return output.getvalue()


def _sheet(rows: str) -> bytes:
    """A minimal workbook around hand-written rows."""
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    return _zip(
        {
            "[Content_Types].xml": b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
            "_rels/.rels": f'<Relationships xmlns="{package}"/>'.encode(),
            "xl/workbook.xml": (
                f'<workbook {main} xmlns:r="{relations}"><sheets>'
                '<sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>'
            ).encode(),
            "xl/_rels/workbook.xml.rels": (
                f'<Relationships xmlns="{package}"><Relationship Id="rId1" Type="{relations}/worksheet" '
                'Target="worksheets/sheet1.xml"/></Relationships>'
            ).encode(),
            "xl/worksheets/sheet1.xml": (f"<worksheet {main}><sheetData>{rows}</sheetData></worksheet>".encode()),
        }
    )
